import type { ConfigIssue } from '../../config/config-issue.ts';

/** A file of sections with keys, as llama.cpp's router reads it. Pure. */

export interface IniEntry {
  readonly key: string;
  readonly value: string;
}

export interface IniSection {
  /** Undefined for what stands in front of the first section. */
  readonly name: string | undefined;
  readonly entries: readonly IniEntry[];
}

export type IniResult =
  | { readonly ok: true; readonly sections: readonly IniSection[] }
  | { readonly ok: false; readonly errors: readonly ConfigIssue[] };

/**
 * Lines are `[section]`, `key = value`, empty, or comments that begin with `;` or `#`; a comment may follow a value after a
 * blank. A section that comes twice is one; of a key that comes twice in a section the last counts.
 */
export function parseIni(text: string): IniResult {
  const sections = new Map<string | undefined, Map<string, string>>();
  const errors: ConfigIssue[] = [];
  let name: string | undefined;
  text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .forEach((written, index) => {
      const line = written.trim();
      if (line === '' || line.startsWith(';') || line.startsWith('#')) return;
      const header = /^\[\s*(.*?)\s*\](?:\s*[;#].*)?$/.exec(line)?.[1];
      if (header !== undefined && header !== '') {
        name = header;
        if (!sections.has(name)) sections.set(name, new Map());
        return;
      }
      const [, key, value] = /^([^=\s][^=]*?)\s*=\s*(.*)$/.exec(line) ?? [];
      if (key === undefined || value === undefined || line.startsWith('[')) {
        errors.push({ path: '', message: 'is neither [section], key = value nor a comment', line: index + 1 });
        return;
      }
      const entries = sections.get(name) ?? new Map<string, string>();
      sections.set(name, entries);
      entries.set(key, value.replace(/(?:^|\s+)[;#].*$/, ''));
    });
  if (errors.length > 0) return { ok: false, errors };
  return {
    ok: true,
    sections: [...sections].map(([section, entries]) => ({
      name: section,
      entries: [...entries].map(([key, value]) => ({ key, value })),
    })),
  };
}
