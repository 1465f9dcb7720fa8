import { homedir, tmpdir } from 'node:os';
import type { FolderContext } from './folder-context.ts';

/** Where this user's files are, from the environment of the process. */
export function processFolders(): FolderContext {
  return {
    platform: process.platform,
    env: process.env,
    homeFolder: homedir(),
    tempFolder: tmpdir(),
    uid: process.getuid?.(),
  };
}
