import { readFile } from 'node:fs/promises';

/** Bytes of a process's own memory that are in RAM, without pages of files. Linux only. */
export async function anonymousBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kib = /^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kib === undefined) throw new Error(`The status of process ${pid} has no RssAnon.`);
  return Number(kib) * 1024;
}
