/** The portable build has no installer that could replace it. */
export function windowsUpdateObstacle(env: NodeJS.ProcessEnv): string | undefined {
  return env['PORTABLE_EXECUTABLE_FILE'] === undefined
    ? undefined
    : 'This is the portable Corral: download the newer one and put it in the place of this one.';
}
