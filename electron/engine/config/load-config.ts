import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ConfigIssue } from './config-issue.ts';
import { interpretConfig, type ConfigFormat } from './interpret-config.ts';
import { parseConfigValue } from './parse-config-value.ts';
import { readYaml, withoutMark } from './read-yaml.ts';
import { resolveConfig } from './resolve-config.ts';
import type { ResolvedConfig } from './resolved-config.ts';
import { configSchema } from './schema.ts';

/** A file written by hand is a few kilobytes; what is larger than this is the wrong file. */
export const MAX_CONFIG_BYTES = 4 * 2 ** 20;

/** What the meaning of a configuration depends on besides its text. */
export interface ConfigSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
  readonly platform: NodeJS.Platform;
  /** Where another program's file is served instead of where it says, as a command line has it. */
  readonly listenHost?: string | undefined;
}

export type ConfigResult =
  | { readonly ok: true; readonly config: ResolvedConfig; readonly warnings: readonly ConfigIssue[] }
  | {
      readonly ok: false;
      readonly errors: readonly ConfigIssue[];
      /** How the program whose file it is says it, where that is known. */
      readonly say?: string;
    };

/**
 * Reads a configuration: YAML 1.2 or JSON, defaults filled in, `${env.NAME}` and `~` expanded, relative paths taken from
 * the folder of `filePath` (absolute). Pure, and never throws for what the text holds: it returns every error at once, in
 * the order of the file, with path, line and column. No message repeats a value, since it may be a secret.
 */
export function parseConfig(
  options: ConfigSurroundings & { readonly text: string; readonly filePath: string },
): ConfigResult {
  const yaml = readYaml(withoutMark(options.text));
  if (!yaml.ok) return { ok: false, errors: yaml.issues };
  return parseConfigValue(yaml.value, { ...options, locate: yaml.locate });
}

/** The configuration of somebody who has no file. */
export function defaultConfig(surroundings: ConfigSurroundings): ResolvedConfig {
  const { homeFolder, platform } = surroundings;
  const paths = { folder: homeFolder, homeFolder, isWindows: platform === 'win32' };
  return resolveConfig(configSchema.parse({}), { filePath: undefined, paths });
}

/**
 * Reads and parses the file at `filePath` (relative to the working folder). A file that is not there means defaults,
 * with `config.filePath` undefined, unless the user named it (`isExplicit`). What cannot be read, is no UTF-8 or is larger
 * than 4 MiB is an error in the result, and so is a file without a character where one is in use (`isInUse`): it is what a
 * program that broke off while it wrote leaves behind. Rejects only with the reason of `signal`.
 */
export async function loadConfig(
  options: ConfigSurroundings & {
    readonly filePath: string;
    readonly isExplicit: boolean;
    readonly isInUse?: boolean;
    /** Undefined: told by what the file holds. */
    readonly format?: ConfigFormat | undefined;
    readonly signal?: AbortSignal;
  },
): Promise<ConfigResult> {
  const { isExplicit, isInUse, signal, format, ...surroundings } = options;
  const filePath = resolve(options.filePath);
  const file = await readConfigText(filePath, signal);
  if (!file.ok) {
    if (file.isAbsent && !isExplicit) return { ok: true, config: defaultConfig(surroundings), warnings: [] };
    return { ok: false, errors: [{ path: '', message: file.message }] };
  }
  if (isInUse === true && file.text.trim() === '') {
    return { ok: false, errors: [{ path: '', message: 'is empty; write `models: {}` if that is what you mean' }] };
  }
  return await interpretConfig({ ...surroundings, text: file.text, filePath, format });
}

export type ConfigText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly isAbsent: boolean; readonly message: string };

/** The text of a file of at most 4 MiB. Rejects only with the reason of `signal`. */
export async function readConfigText(filePath: string, signal?: AbortSignal): Promise<ConfigText> {
  const refuse = (message: string, isAbsent = false): ConfigText => ({ ok: false, isAbsent, message });
  let bytes: Buffer | 'too-large';
  try {
    bytes = await readAtMost(filePath, MAX_CONFIG_BYTES, signal);
  } catch (error) {
    signal?.throwIfAborted();
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return refuse(readProblems[code] ?? `cannot be read (${code})`, code === 'ENOENT');
  }
  if (bytes === 'too-large') return refuse('is larger than 4 MiB; this is not a configuration of Corral');
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return refuse('is not UTF-8 text; save it with that encoding');
  }
}

const readProblems: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist; check the path, or start without it to use the defaults',
  ENOTDIR: 'does not exist: a part of its path is not a folder',
  EACCES: 'may not be read by this user; check its permissions',
  EPERM: 'may not be read by this user; check its permissions',
  EISDIR: 'is a folder; name the file in it',
};

/** Works for pipes too, which have no size to look at first. */
async function readAtMost(filePath: string, limit: number, signal?: AbortSignal): Promise<Buffer | 'too-large'> {
  const file = await open(filePath, 'r');
  try {
    const chunks: Buffer[] = [];
    let total = 0;
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead, buffer } = await file.read(Buffer.alloc(65_536), 0, 65_536, null);
      if (bytesRead === 0) return Buffer.concat(chunks);
      total += bytesRead;
      if (total > limit) return 'too-large';
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}
