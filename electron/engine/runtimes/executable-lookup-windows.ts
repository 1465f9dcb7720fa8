import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { ExecutableLookup } from './executable-lookup.ts';

/**
 * `.exe` only: what else PATHEXT may list (`.cmd`, `.bat`) needs a command interpreter between Corral and the process,
 * and then stopping the one does not stop the other.
 */
export const windowsExecutableLookup: ExecutableLookup = {
  isAbsolute: (candidate) => path.win32.isAbsolute(candidate),
  candidatesIn: (folder) => [path.win32.join(folder, 'llama-server.exe')],
  foldersOf: (searchPath) =>
    searchPath
      .split(';')
      // Entries may be quoted, as `"C:\Program Files\llama.cpp"`.
      .map((folder) => folder.trim().replace(/^"(.*)"$/, '$1'))
      // `\tools` counts as absolute but lies on whatever drive is the current one.
      .filter((folder) => /^([A-Za-z]:[\\/]|\\\\)/.test(folder)),
  async canExecute(file) {
    if (!file.toLowerCase().endsWith('.exe')) return false;
    try {
      return (await stat(file)).isFile();
    } catch {
      // Missing, or a folder above it closed to us: for the search it is the same.
      return false;
    }
  },
};
