import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AppError } from '#shared/contract/errors.ts';
import { configFilePath } from '../../engine/config/config-folders.ts';
import { formatConfigIssue, type ConfigIssue } from '../../engine/config/config-issue.ts';
import type { ConfigFormat } from '../../engine/config/interpret-config.ts';
import { loadConfig } from '../../engine/config/load-config.ts';
import { processFolders } from '../../engine/config/process-folders.ts';
import { connect } from '../connect.ts';
import { printable } from '../printable.ts';
import { writeJson, type VerbContext } from '../terminal.ts';

interface ConfigFile {
  readonly path: string;
  /** False: it is where a configuration would be, and nothing is lost if there is none. */
  readonly isNamed: boolean;
}

/**
 * `corral config check [FILE]`: every error and warning of a file, by default of the one in use. As JSON:
 * `{ path, isValid, errors, warnings }`. Returns whether the file is valid.
 */
export async function checkConfig(
  context: VerbContext,
  {
    file,
    dataDir,
    format,
  }: {
    readonly file: string | undefined;
    readonly dataDir: string | undefined;
    readonly format?: ConfigFormat | undefined;
  },
): Promise<boolean> {
  const { terminal, isJson, signal } = context;
  const { path, isNamed } =
    file === undefined ? await findConfigFile(dataDir, signal) : { path: resolve(file), isNamed: true };
  const { platform, env, homeFolder } = processFolders();
  const result = await loadConfig({ filePath: path, isExplicit: isNamed, format, platform, env, homeFolder, signal });
  const errors = result.ok ? [] : result.errors;
  const warnings = result.ok ? result.warnings : [];
  if (isJson) {
    writeJson(terminal, { path, isValid: result.ok, errors, warnings });
    return result.ok;
  }
  const isAbsent = result.ok && result.config.filePath === undefined;
  terminal.write(`${printable(path)}: ${isAbsent ? 'does not exist, defaults are used' : verdict(errors, warnings)}\n`);
  const writeIssues = (issues: readonly ConfigIssue[], label: string): void => {
    for (const issue of issues) terminal.write(`  ${label}  ${printable(formatConfigIssue(issue))}\n`);
  };
  writeIssues(errors, terminal.paint('red', 'error'));
  writeIssues(warnings, terminal.paint('yellow', 'warning'));
  return result.ok;
}

/** `corral config path`: the file in use, or where one would be. As JSON: `{ path, isPresent }`. */
export async function showConfigPath(
  { terminal, isJson, signal }: VerbContext,
  dataDir: string | undefined,
): Promise<void> {
  const { path } = await findConfigFile(dataDir, signal);
  const isPresent = await canBeSeen(path);
  if (isJson) {
    writeJson(terminal, { path, isPresent });
    return;
  }
  terminal.write(`${path}\n`);
  if (!isPresent) terminal.writeError('corral: this file does not exist; defaults are used\n');
}

/** The running Corral's file, if one runs and can be asked, else the user's own. */
export async function findConfigFile(dataDir: string | undefined, signal: AbortSignal): Promise<ConfigFile> {
  const own: ConfigFile = { path: configFilePath(processFolders()), isNamed: false };
  try {
    const bridge = await connect(dataDir);
    const { instance } = await bridge.call('get-snapshot', {}, signal);
    return instance.configPath === null ? own : { path: instance.configPath, isNamed: true };
  } catch (thrown) {
    signal.throwIfAborted();
    // None runs, or it does not answer: no reason not to look at the file.
    if (thrown instanceof AppError) return own;
    throw thrown;
  }
}

async function canBeSeen(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EACCES') return true;
    return false; // Only whether it is there was asked.
  }
}

function verdict(errors: readonly ConfigIssue[], warnings: readonly ConfigIssue[]): string {
  const count = (issues: readonly unknown[], word: string): string =>
    issues.length === 1 ? `1 ${word}` : `${issues.length} ${word}s`;
  if (errors.length > 0) return count(errors, 'error');
  return warnings.length > 0 ? `valid, ${count(warnings, 'warning')}` : 'valid';
}
