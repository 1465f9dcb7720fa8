import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { posix, win32 } from 'node:path';
import { posixExecutableLookup } from '../../runtimes/executable-lookup-posix.ts';
import { windowsExecutableLookup } from '../../runtimes/executable-lookup-windows.ts';
import type { ForeignFormat } from '../foreign-format.ts';
import { checkAppFiles, importAppConfig, pathsOf, type AppSurroundings } from './import-routermodel.ts';

export const routerModelFormat: ForeignFormat = {
  name: 'routermodel',
  mark: 'models.*.model_path (routermodel)',
  detect({ value }) {
    const file = asGroup(value);
    if ('llama_server_path' in asGroup(file['system'])) return true;
    return Object.values(asGroup(file['models'])).some((model) => 'model_path' in asGroup(model));
  },
  async read({ value, syntaxErrors }, { env, platform }) {
    if (syntaxErrors.length > 0) return { ok: false, errors: syntaxErrors };
    return importAppConfig(value ?? {}, { env, hasNvidia: await hasNvidia(env, platform) });
  },
  async check({ value, fileName }, { env, platform }) {
    const paths = new Map<string, 'file' | 'executable' | 'missing'>();
    const pathOf = platform === 'win32' ? win32 : posix;
    for (const each of pathsOf(value ?? {}, env)) {
      paths.set(each, await kindOf(pathOf.resolve(pathOf.dirname(fileName), each)));
    }
    return checkAppFiles(value ?? {}, { env, paths });
  },
};

async function kindOf(file: string): Promise<'file' | 'executable' | 'missing'> {
  try {
    if (!(await stat(file)).isFile()) return 'missing';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return 'missing';
  }
  try {
    await access(file, constants.X_OK);
    return 'executable';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return 'file';
  }
}

async function hasNvidia(env: AppSurroundings['env'], platform: NodeJS.Platform): Promise<boolean> {
  const isWindows = platform === 'win32';
  const lookup = isWindows ? windowsExecutableLookup : posixExecutableLookup;
  const fileName = isWindows ? 'nvidia-smi.exe' : 'nvidia-smi';
  for (const folder of lookup.foldersOf(env['PATH'] ?? env['Path'] ?? '')) {
    if (await lookup.canExecute((isWindows ? win32 : posix).join(folder, fileName))) return true;
  }
  return false;
}

function asGroup(value: unknown): Readonly<Record<string, unknown>> {
  const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isGroup ? (value as Readonly<Record<string, unknown>>) : {};
}
