/** What the driver tells the stand-in by its environment, since the app's own arguments are the app's. */
export interface StandInSettings {
  /** The executable of a Chromium. */
  readonly chromium: string;
  /** The folder of the app's package.json: `app.getAppPath()`. */
  readonly appPath: string;
  readonly appName: string;
  readonly appVersion: string;
  /** Where `home`, `appData`, `userData` and the like are. */
  readonly homePath: string;
  /** A folder for Chromium's profile, which the driver removes. */
  readonly profilePath: string;
}

const variable = 'CORRAL_ELECTRON_STAND_IN';

export function standInEnv(settings: StandInSettings): Record<string, string> {
  return { [variable]: JSON.stringify(settings) };
}

export function readStandInSettings(): StandInSettings {
  const text = process.env[variable];
  if (text === undefined) {
    throw new Error(
      `The stand-in for Electron was loaded without ${variable}. Start the app with the driver in tests/e2e.`,
    );
  }
  return JSON.parse(text) as StandInSettings;
}
