import type { ForeignFormat } from '../foreign-format.ts';
import { importPresets } from './import-presets.ts';
import { parseIni } from './parse-ini.ts';

/** Reads a file for `llama-server --models-preset`. */
export const llamaPresetsFormat: ForeignFormat = {
  name: 'llama-presets',
  mark: 'a name that ends in .ini (presets of llama.cpp)',
  detect: ({ fileName }) => fileName.toLowerCase().endsWith('.ini'),
  read({ text }) {
    const ini = parseIni(text);
    if (!ini.ok) return { ok: false, errors: ini.errors };
    const { native, report, warnings } = importPresets(ini.sections);
    const sections = ini.sections.map(({ name, entries }) => {
      const values = Object.fromEntries(entries.map(({ key, value }) => [key, value]));
      return name === undefined ? values : { [name]: values };
    });
    const document = Object.assign({}, ...sections) as unknown;
    return { ok: true, native, document, report, warnings };
  },
};
