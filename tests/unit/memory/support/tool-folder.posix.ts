import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A folder of executables that stand for vendors' tools, and a root with the /proc and /sys they go with. */
export interface ToolFolder {
  /** The PATH: this folder, then where sh and cat are. */
  readonly searchPath: string;
  /** Stands for `/`. */
  readonly root: string;
  /** Puts a shell script there. */
  tool(name: string, script: string, mode?: number): Promise<string>;
  removeTool(name: string): Promise<void>;
  /** Puts a file beneath the root. */
  file(relativePath: string, content: string | Buffer): Promise<void>;
  /** What scripts wrote to `$NOTES`, a line each. */
  notes(): Promise<readonly string[]>;
  remove(): Promise<void>;
}

export async function createToolFolder(): Promise<ToolFolder> {
  const folder = await mkdtemp(path.join(tmpdir(), 'memory-probes-'));
  const tools = path.join(folder, 'bin');
  const root = path.join(folder, 'root');
  const notesFile = path.join(folder, 'notes');
  await mkdir(tools);
  await mkdir(root);
  return {
    searchPath: `${tools}:/usr/bin:/bin`,
    root,
    async tool(name, script, mode = 0o755) {
      const file = path.join(tools, name);
      await writeFile(file, `#!/bin/sh\nNOTES='${notesFile}'\n${script}\n`);
      await chmod(file, mode);
      return file;
    },
    removeTool: (name) => rm(path.join(tools, name)),
    async file(relativePath, content) {
      const file = path.join(root, relativePath);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, content);
    },
    async notes() {
      const text = await readFile(notesFile, 'utf8').catch(() => '');
      return text.split('\n').filter((line) => line !== '');
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
