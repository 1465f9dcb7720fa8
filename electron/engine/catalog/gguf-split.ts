/**
 * Models that are cut into several files: `name-00001-of-00003.gguf`. Pure.
 * Source: `llama_split_path` in llama.cpp's src/llama.cpp.
 */

export interface SplitName {
  /** From 1. */
  readonly part: number;
  readonly partCount: number;
  /** The path of each part, in order. */
  readonly paths: readonly string[];
}

/** A llama.cpp file has never been cut into more; it bounds how many files are looked for. */
const maxParts = 1024;

/** Undefined for the path of a file that is whole. */
export function parseSplitName(filePath: string): SplitName | undefined {
  const match = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/s.exec(filePath);
  const [, prefix, part, count] = match ?? [];
  if (prefix === undefined || part === undefined || count === undefined) return undefined;
  const partCount = Number(count);
  if (partCount < 1 || partCount > maxParts || Number(part) < 1 || Number(part) > partCount) return undefined;
  const paths = Array.from(
    { length: partCount },
    (_, index) => `${prefix}-${String(index + 1).padStart(5, '0')}-of-${count}.gguf`,
  );
  return { part: Number(part), partCount, paths };
}
