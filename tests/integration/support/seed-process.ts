import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { readInstanceFile } from '../../../electron/engine/config/instance-file.ts';
import { cliEnv, cliFile } from './corral-process.ts';
import { eventually, type TestFolder } from './corral.ts';

export interface SeedProcess {
  readonly child: ChildProcess;
  /** Standard output and error. */
  output(): string;
  /** Resolves with the exit code. */
  readonly exited: Promise<number | null>;
  /** By SIGTERM, unless it has ended already; resolves as `exited` does. */
  end(): Promise<number | null>;
  /** Corral's own address, once it listens. */
  nativeAddress(): Promise<string>;
  /** What a pattern's first group finds in the output, once it is there. */
  find(pattern: RegExp): Promise<string>;
}

/** `corral as <program> …flags` as a process of its own, in a folder of its own. */
export function startSeedProcess(
  folder: TestFolder,
  args: readonly string[],
  { env = {}, workFolder = folder.path }: { env?: Record<string, string>; workFolder?: string } = {},
): SeedProcess {
  const dataFolder = path.join(folder.path, 'data');
  const child = spawn(process.execPath, [cliFile, 'as', '--data-dir', dataFolder, ...args], {
    cwd: workFolder,
    env: cliEnv(folder, env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const refuseEnd = (): void => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${output}`);
  };
  return {
    child,
    output: () => output,
    exited,
    end() {
      child.kill('SIGTERM');
      return exited;
    },
    async nativeAddress() {
      const read = async (): Promise<string | undefined> => {
        const instance = await readInstanceFile(dataFolder);
        return instance?.pid === child.pid ? instance?.address : undefined;
      };
      await eventually(
        'Corral listens',
        async () => {
          refuseEnd();
          return (await read()) !== undefined;
        },
        15_000,
      );
      return (await read()) ?? '';
    },
    async find(pattern) {
      await eventually(
        `${pattern} is printed`,
        () => {
          if (pattern.test(output)) return true;
          refuseEnd();
          return false;
        },
        15_000,
      );
      return pattern.exec(output)?.[1] ?? '';
    },
  };
}
