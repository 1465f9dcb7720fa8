import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

interface AsarEntry {
  readonly files?: Readonly<Record<string, AsarEntry>>;
  readonly size?: number;
  readonly offset?: string;
  readonly unpacked?: boolean;
  readonly link?: string;
}

export interface AsarArchive {
  /** Files, with `/` between folders, in the archive's order. */
  readonly paths: readonly string[];
  readonly unpackedPaths: readonly string[];
  read(filePath: string): Buffer;
  extractTo(folder: string): Promise<void>;
}

/** Reads an archive of Electron's: a pickled JSON of names, sizes and offsets, then the files one after the other. */
export async function readAsar(archivePath: string): Promise<AsarArchive> {
  const bytes = await readFile(archivePath);
  const headSize = bytes.readUInt32LE(4);
  const { files } = JSON.parse(bytes.toString('utf8', 16, 16 + bytes.readUInt32LE(12))) as AsarEntry;
  const entries = new Map<string, AsarEntry>();
  const collect = (folder: Readonly<Record<string, AsarEntry>>, prefix: string): void => {
    for (const [name, entry] of Object.entries(folder)) {
      if (entry.files === undefined) entries.set(`${prefix}${name}`, entry);
      else collect(entry.files, `${prefix}${name}/`);
    }
  };
  collect(files ?? {}, '');

  const read = (filePath: string): Buffer => {
    const entry = entries.get(filePath);
    if (entry?.offset === undefined) throw new Error(`${filePath} is not in ${archivePath}`);
    const start = 8 + headSize + Number(entry.offset);
    return bytes.subarray(start, start + (entry.size ?? 0));
  };

  return {
    paths: [...entries.keys()],
    unpackedPaths: [...entries].filter(([, entry]) => entry.unpacked === true).map(([filePath]) => filePath),
    read,
    async extractTo(folder) {
      for (const filePath of entries.keys()) {
        const target = path.join(folder, filePath);
        await mkdir(path.dirname(target), { recursive: true });
        await writeFile(target, read(filePath));
      }
    },
  };
}
