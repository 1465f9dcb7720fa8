import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ExecutableLookup } from './executable-lookup.ts';

export const posixExecutableLookup: ExecutableLookup = {
  isAbsolute: (candidate) => path.posix.isAbsolute(candidate),
  candidatesIn: (folder) => [path.posix.join(folder, 'llama-server')],
  foldersOf: (searchPath) => searchPath.split(':').filter((folder) => path.posix.isAbsolute(folder)),
  async canExecute(file) {
    try {
      await access(file, constants.X_OK);
      return (await stat(file)).isFile();
    } catch {
      // Missing, a folder above it closed to us, a broken link: for the search they are all the same.
      return false;
    }
  },
};
