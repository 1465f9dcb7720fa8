import { posix, win32 } from 'node:path';
import type { ForeignFormatName } from '../dialects/dialect-names.ts';
import type { ForeignFormat, ForeignSource, ImportEntry } from '../dialects/foreign-format.ts';
import { foreignFormats } from '../dialects/foreign-formats.ts';
import type { ConfigIssue } from './config-issue.ts';
import { detectFormat, type DetectedFormat } from './detect-format.ts';
import type { ConfigResult, ConfigSurroundings } from './load-config.ts';
import { parseConfigValue } from './parse-config-value.ts';
import { readForeign } from './read-foreign.ts';
import { settlePaths } from './settle-paths.ts';
import { readYaml, withoutMark, type ReadYaml } from './read-yaml.ts';

export type ConfigFormat = 'native' | ForeignFormatName;

export interface InterpretOptions extends ConfigSurroundings {
  readonly text: string;
  /** Absolute. */
  readonly filePath: string;
  /** Undefined: told by what the file holds. */
  readonly format?: ConfigFormat | undefined;
}

/** What a configuration file of any known format means. Never rejects for what the text holds. */
export async function interpretConfig(options: InterpretOptions): Promise<ConfigResult> {
  const { yaml, detected } = look(options);
  switch (detected.kind) {
    case 'native':
      if (!yaml.ok) return { ok: false, errors: yaml.issues };
      return parseConfigValue(yaml.value, { ...options, locate: yaml.locate });
    case 'unknown':
      return { ok: false, errors: [unknownFormat(detected.lookedFor)] };
    case 'foreign': {
      const imported = await interpretForeign(detected.format, yaml, options);
      if (!imported.result.ok) return imported.result;
      const { env, homeFolder, platform } = options;
      const errors = (await detected.format.check?.(sourceOf(options, yaml), { env, homeFolder, platform })) ?? [];
      if (errors.length > 0) return { ok: false, errors };
      return imported.result;
    }
  }
}

export type ImportResult =
  | {
      readonly ok: true;
      readonly format: ForeignFormatName;
      /** The value of a native file that does the same. */
      readonly native: Readonly<Record<string, unknown>>;
      readonly report: readonly ImportEntry[];
      readonly warnings: readonly ConfigIssue[];
    }
  | { readonly ok: false; readonly errors: readonly ConfigIssue[]; readonly say?: string };

/** Another program's file as a native one that has been found to be valid, wherever it is written to. Never rejects for what the text holds. */
export async function importConfig(options: InterpretOptions): Promise<ImportResult> {
  const { yaml, detected } = look(options);
  if (detected.kind === 'unknown') return { ok: false, errors: [unknownFormat(detected.lookedFor)] };
  if (detected.kind === 'native') {
    const marks = foreignFormats.map(({ mark }) => mark).join('; ');
    return { ok: false, errors: [{ path: '', message: `is no file of another program; looked for: ${marks}` }] };
  }
  const { result, read } = await interpretForeign(detected.format, yaml, options);
  if (!result.ok) return result;
  if (!read.ok) return read;
  const { homeFolder } = options;
  const isWindows = options.platform === 'win32';
  const folder = (isWindows ? win32 : posix).dirname(options.filePath);
  return {
    ok: true,
    format: detected.format.name,
    ...settlePaths(read.native, read.report, { folder, homeFolder, isWindows }),
    warnings: result.warnings,
  };
}

function look(options: InterpretOptions): { yaml: ReadYaml; detected: DetectedFormat } {
  const yaml = readYaml(withoutMark(options.text));
  return { yaml, detected: detect(options, sourceOf(options, yaml)) };
}

function detect({ format }: InterpretOptions, source: ForeignSource): DetectedFormat {
  if (format === undefined) return detectFormat(source, foreignFormats);
  const known = foreignFormats.find(({ name }) => name === format);
  return known === undefined ? { kind: 'native' } : { kind: 'foreign', format: known };
}

function sourceOf({ text, filePath }: InterpretOptions, yaml: ReadYaml): ForeignSource {
  return {
    fileName: filePath,
    text: withoutMark(text),
    value: yaml.ok ? yaml.value : undefined,
    syntaxErrors: yaml.ok ? [] : yaml.issues,
  };
}

async function interpretForeign(
  format: ForeignFormat,
  yaml: ReadYaml,
  options: InterpretOptions,
): Promise<{ read: Awaited<ReturnType<typeof readForeign>>; result: ConfigResult }> {
  const { env, homeFolder, platform, listenHost } = options;
  const read = await readForeign(format, sourceOf(options, yaml), { env, homeFolder, platform, listenHost });
  if (!read.ok) return { read, result: read };
  // The address of the file is the other program's; Corral's own takes a free one unless the file says more.
  const served = { ...read.native, server: { port: 0, ...(read.native['server'] as object | undefined) } };
  const parsed = parseConfigValue(served, { ...options, locate: () => undefined });
  const translate = (issue: ConfigIssue): ConfigIssue => ({ ...issue, path: read.translate(issue.path) });
  if (!parsed.ok) return { read, result: { ok: false, errors: parsed.errors.map(translate) } };
  return {
    read,
    result: {
      ok: true,
      config: { ...parsed.config, foreign: { format: format.name, document: read.document } },
      warnings: [...read.warnings, ...parsed.warnings.map(translate)],
    },
  };
}

function unknownFormat(lookedFor: string): ConfigIssue {
  return {
    path: '',
    message: `is in no format that Corral knows (looked for ${lookedFor}); say which it is with --format`,
  };
}
