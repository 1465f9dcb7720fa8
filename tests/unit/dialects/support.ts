import type { ForeignFormat, ForeignResult, ForeignSource } from '../../../electron/engine/dialects/foreign-format.ts';
import { readYaml } from '../../../electron/engine/config/read-yaml.ts';

export const surroundings = { env: {}, homeFolder: '/home/u', platform: 'linux' as const };

export function sourceOf(text: string, fileName = '/etc/router/config.json'): ForeignSource {
  const yaml = readYaml(text);
  return {
    fileName,
    text,
    value: yaml.ok ? yaml.value : undefined,
    syntaxErrors: yaml.ok ? [] : yaml.issues,
  };
}

/** What a format makes of a document. */
export async function read(format: ForeignFormat, document: unknown): Promise<ForeignResult> {
  return await format.read(sourceOf(JSON.stringify(document)), surroundings);
}

/** Fails unless the document can be read. */
export async function readValid(
  format: ForeignFormat,
  document: unknown,
): Promise<Extract<ForeignResult, { readonly ok: true }>> {
  const result = await read(format, document);
  if (!result.ok) throw new Error(result.say ?? JSON.stringify(result.errors));
  return result;
}
