import { spawn, type ChildProcess } from 'node:child_process';

export interface Child {
  readonly pid: number;
  readonly process: ChildProcess;
  /** When it was spawned, by `performance.now`. */
  readonly spawnedMs: number;
  /** Ends it and waits until it has gone. */
  end(): Promise<void>;
}

const running = new Set<Child>();
const KILL_AFTER_MS = 15_000;

/**
 * Spawns a process and resolves with the first match of `ready` in its standard output. Rejects, with what it wrote, if it
 * ends before that.
 */
export function startChild(
  [command, ...args]: readonly [string, ...string[]],
  { ready, env = {}, hasIpc = false }: { ready?: RegExp; env?: Record<string, string>; hasIpc?: boolean } = {},
): Promise<Child & { readonly match: RegExpExecArray | undefined }> {
  const spawnedMs = performance.now();
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(hasIpc ? (['ipc'] as const) : [])],
  });
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const handle: Child = {
    pid: child.pid ?? 0,
    process: child,
    spawnedMs,
    async end() {
      running.delete(handle);
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
      await gone;
      clearTimeout(timer);
    },
  };
  running.add(handle);
  return new Promise((resolve, reject) => {
    let output = '';
    let isReady = false;
    const onOutput = (chunk: Buffer): void => {
      // What a server writes later is read, so that it never waits for us, and forgotten.
      if (isReady) return;
      output += chunk.toString();
      const match = ready?.exec(output);
      if (match === null || match === undefined) return;
      isReady = true;
      resolve({ ...handle, match });
    };
    child.stdout?.on('data', onOutput);
    child.stderr?.on('data', onOutput);
    child.once('error', reject);
    child.once('close', (code) => {
      running.delete(handle);
      reject(new Error(`${command} ${args.join(' ')} ended with ${String(code)}:\n${output}`));
    });
    if (ready === undefined) {
      isReady = true;
      child.once('spawn', () => resolve({ ...handle, match: undefined }));
    }
  });
}

/** Ends what a bench that failed has left. */
export async function endAllChildren(): Promise<void> {
  await Promise.all([...running].map((child) => child.end()));
}
