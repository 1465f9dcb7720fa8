import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { stringify } from 'yaml';
import { AppError } from '#shared/contract/errors.ts';
import { writeFileAtomically } from '../../engine/config/atomic-write.ts';
import { formatConfigIssue } from '../../engine/config/config-issue.ts';
import { importConfig, type ConfigFormat } from '../../engine/config/interpret-config.ts';
import { readConfigText } from '../../engine/config/load-config.ts';
import { processFolders } from '../../engine/config/process-folders.ts';
import { printable } from '../printable.ts';
import { writeJson, type VerbContext } from '../terminal.ts';

export interface ConfigImportOptions {
  readonly file: string;
  readonly format: ConfigFormat | undefined;
  /** Undefined: standard output. */
  readonly output: string | undefined;
  /** Whether a file that is there already may be replaced. */
  readonly isForced: boolean;
}

/** The file may hold keys, so nobody else reads what Corral makes. */
const OUTPUT_MODE = 0o600;

/**
 * `corral config import FILE`: writes another program's configuration as Corral's own, and says on standard error what
 * became of each key. As JSON: `{ path, format, output, config, report, warnings }`, or `{ path, errors }`. Returns whether
 * the file could be imported. Throws `conflict` rather than replace a file it was not told to.
 */
export async function importConfigFile(context: VerbContext, options: ConfigImportOptions): Promise<boolean> {
  const { terminal, isJson, signal } = context;
  const path = resolve(options.file);
  const output = options.output === undefined ? undefined : resolve(options.output);
  const { env, homeFolder, platform } = processFolders();
  const file = await readConfigText(path, signal);
  const result = file.ok
    ? await importConfig({ env, homeFolder, platform, text: file.text, filePath: path, format: options.format })
    : { ok: false as const, errors: [{ path: '', message: file.message }] };
  if (!result.ok) {
    if (isJson) writeJson(terminal, { path, errors: result.errors });
    else if (result.say !== undefined) terminal.writeError(`${result.say}\n`);
    else {
      terminal.writeError(`${printable(path)} cannot be imported:\n`);
      for (const issue of result.errors) terminal.writeError(`  ${printable(formatConfigIssue(issue))}\n`);
    }
    return false;
  }
  const { native, report, warnings, format } = result;
  const text = `# Imported from ${path} (${format}).\n${stringify(native, { lineWidth: 0 })}`;
  if (output !== undefined) {
    if (!options.isForced && (await isThere(output))) {
      throw new AppError('conflict', `${output} is there already; say --force to replace it, or name another file.`);
    }
    await writeFileAtomically(output, text, { mode: OUTPUT_MODE });
  }
  if (isJson) {
    writeJson(terminal, { path, format, output: output ?? null, config: native, report, warnings });
    return true;
  }
  if (output === undefined) terminal.write(text);
  else terminal.writeError(`Written to ${printable(output)}\n`);
  for (const { path: key, outcome, note } of report) {
    terminal.writeError(`  ${outcome.padEnd('approximated'.length)}  ${printable(`${key}: ${note}`)}\n`);
  }
  return true;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return false;
    return true; // Whatever it is, it is not nothing.
  }
}
