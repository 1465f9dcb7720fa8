import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Path of the imitation of llama-server; its header describes every knob. */
export const fakeServerScript = fileURLToPath(new URL('../../fixtures/fake-llama-server/main.mjs', import.meta.url));

/** Knobs of the fake server. Switches are either `true` or absent. */
export interface FakeServerFlags {
  readonly name?: string;
  readonly loadDelayMs?: number;
  readonly bindDelayMs?: number;
  readonly claimMib?: number;
  readonly claimDevice?: string;
  readonly ignoreSigterm?: true;
  readonly forkGrandchild?: true;
  /** Bytes a second. */
  readonly floodStdout?: number | 'max';
  readonly floodBytes?: number;
  readonly dieAtToken?: number;
  readonly stallAtToken?: number;
  readonly refuseHealth?: true;
  readonly healthDrop?: true;
  readonly exitAtStart?: number;
  readonly exitAfterMs?: number;
  readonly exitMessage?: string;
  readonly tokens?: number;
  readonly tokenDelayMs?: number;
  readonly tokenBytes?: number;
  readonly responseDelayMs?: number;
  readonly keepAliveMs?: number;
  readonly slots?: number;
  readonly apiKeyEnv?: string;
  readonly readyLine?: string;
  readonly record?: string;
}

/** The flags as arguments: `{ loadDelayMs: 50 }` becomes `--fake-load-delay 50`. They also fit a file model's `args`. */
export function fakeServerArgs(flags: FakeServerFlags): string[] {
  return Object.entries(flags).flatMap(([name, value]: [string, string | number | true]) => {
    const kebab = name.replace(/Ms$/, '').replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return value === true ? [`--fake-${kebab}`] : [`--fake-${kebab}`, String(value)];
  });
}

/** The command of a custom model that runs the fake on the port Corral fills in for `${PORT}`. */
export function fakeServerCommand(flags: FakeServerFlags = {}): [string, ...string[]] {
  return [process.execPath, fakeServerScript, '--port', '${PORT}', ...fakeServerArgs(flags)];
}

/**
 * Writes an executable named `llama-server` that is the fake, for models that Corral builds the command line of.
 * POSIX only: Windows starts no scripts without a shell. Returns its absolute path.
 */
export async function writeFakeEngine(folder: string): Promise<string> {
  if (process.platform === 'win32') throw new Error('The fake engine is a shell script; use fakeServerCommand here.');
  const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const executable = path.resolve(folder, 'llama-server');
  await mkdir(folder, { recursive: true });
  await writeFile(executable, `#!/bin/sh\nexec ${quote(process.execPath)} ${quote(fakeServerScript)} "$@"\n`);
  await chmod(executable, 0o755);
  return executable;
}
