/** The switch by which the shims in build/ ask the app's own program to be the `corral` command. */
export const CLI_SWITCH = '--cli';

/** What Electron's process tells of how it was started. */
export interface StartedProcess {
  readonly argv: readonly string[];
  /** Set by Electron where the app's folder or script was named on the command line, as a packaged app's never is. */
  readonly defaultApp?: boolean;
}

/**
 * What follows `corral` if the program was started as the command, else null. The shims write
 * `<program> [Chromium's switches] --cli -- <verb and its options>`: after `--` neither Chromium nor Electron look at what
 * the user typed, so that no option of ours can be taken for one of theirs. A `--cli` behind `--` is the user's own.
 */
export function readCliInvocation({ argv, defaultApp }: StartedProcess): readonly string[] | null {
  const args = argv.slice(defaultApp === true ? 2 : 1);
  const end = args.indexOf('--');
  const switches = end === -1 ? args : args.slice(0, end);
  const at = switches.indexOf(CLI_SWITCH);
  if (at === -1) return null;
  return end === -1 ? args.slice(at + 1) : args.slice(end + 1);
}
