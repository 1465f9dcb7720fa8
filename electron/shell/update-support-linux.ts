/** Only an AppImage is the user's own to replace; files of a package belong to the system's package manager. */
export function linuxUpdateObstacle(env: NodeJS.ProcessEnv): string | undefined {
  return env['APPIMAGE'] === undefined
    ? 'Corral was installed as a package: update it with the package manager it was installed with.'
    : undefined;
}
