import { execFile } from 'node:child_process';

/** As on Linux: the time a process was started, to the second, as `ps` tells it. Undefined if there is none. */
export function readProcessIdentity(pid: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(
      '/bin/ps',
      ['-o', 'lstart=', '-p', String(pid)],
      { timeout: 2000, env: { LC_ALL: 'C' } },
      (error, stdout) => {
        const started = stdout.trim();
        resolve(error === null && started !== '' ? started : undefined);
      },
    );
  });
}
