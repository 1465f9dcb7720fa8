import path from 'node:path';
import type { ExecutableLookup } from '../../runtimes/executable-lookup.ts';
import { posixExecutableLookup } from '../../runtimes/executable-lookup-posix.ts';
import { windowsExecutableLookup } from '../../runtimes/executable-lookup-windows.ts';
import type { ProgramPlace } from './import-llama-router.ts';

/** Where a program named without a folder is: in one of the folders beside the router first, then on the PATH. */
export async function findProgram(
  name: string,
  {
    besideFolders,
    searchPath,
    platform,
  }: {
    readonly besideFolders: readonly string[];
    readonly searchPath: string;
    readonly platform: NodeJS.Platform;
  },
): Promise<ProgramPlace | undefined> {
  const isWindows = platform === 'win32';
  const lookup: ExecutableLookup = isWindows ? windowsExecutableLookup : posixExecutableLookup;
  const fileName = isWindows && !name.toLowerCase().endsWith('.exe') ? `${name}.exe` : name;
  const findIn = async (folders: readonly string[]): Promise<string | undefined> => {
    for (const folder of folders) {
      const candidate = (isWindows ? path.win32 : path.posix).join(folder, fileName);
      if (await lookup.canExecute(candidate)) return candidate;
    }
    return undefined;
  };
  const beside = await findIn(besideFolders);
  if (beside !== undefined) return { kind: 'beside', path: beside };
  return (await findIn(lookup.foldersOf(searchPath))) === undefined ? undefined : { kind: 'path' };
}
