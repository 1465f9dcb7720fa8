import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** As in `Chromium 156`; a browser that does not tell is just that. */
export async function chromiumVersion(executable: string): Promise<string> {
  // On Windows a browser opens a window instead of answering.
  if (process.platform === 'win32') return 'an installed Chromium';
  const { stdout } = await promisify(execFile)(executable, ['--version'], { timeout: 30_000 });
  const [, name, version] = /^(.*?) (\d+)\./.exec(stdout.trim()) ?? [];
  return name === undefined || version === undefined ? 'an unnamed Chromium' : `${name} ${version}`;
}
