import { configJsonSchema, type JsonSchemaNode } from './config-json-schema.ts';
import { notYetEffective } from './not-yet-effective.ts';

export interface ReferenceRow {
  /** `<id>` and `[]` stand for any key and any entry. */
  readonly key: string;
  readonly kind: string;
  /** As it would be written in the file; undefined where there is none. */
  readonly defaultValue: string | undefined;
  readonly description: string;
  readonly isEffective: boolean;
}

/** Every key of the configuration that holds a value, in the order of the schema. */
export function configReference(): ReferenceRow[] {
  return rowsOf(configJsonSchema(), []).filter((row) => row.key !== '$schema');
}

/** The reference as Markdown tables, one a section; what has no effect yet is marked with †. */
export function configReferenceMarkdown(): string {
  const sections = new Map<string, ReferenceRow[]>();
  for (const row of configReference()) {
    const section = /^\w+/.exec(row.key)?.[0] ?? '';
    sections.set(section, [...(sections.get(section) ?? []), row]);
  }
  return [...sections]
    .map(([section, rows]) => {
      const lines = rows.map(
        ({ key, kind, defaultValue, description, isEffective }) =>
          `| \`${key}\`${isEffective ? '' : ' †'} | ${kind} | ${defaultValue === undefined ? '' : `\`${defaultValue}\``} | ${description} |`,
      );
      return [`### ${section}`, '', '| key | value | default | meaning |', '| --- | --- | --- | --- |', ...lines].join(
        '\n',
      );
    })
    .join('\n\n');
}

function rowsOf(node: JsonSchemaNode, path: readonly string[]): ReferenceRow[] {
  const properties = Object.entries(node.properties ?? {});
  if (properties.length > 0) return properties.flatMap(([key, child]) => rowsOf(child, [...path, key]));
  if (node.items?.properties !== undefined) {
    const last = path.at(-1) ?? '';
    return rowsOf(node.items, [...path.slice(0, -1), `${last}[]`]);
  }
  if (typeof node.additionalProperties === 'object' && node.additionalProperties.properties !== undefined) {
    return rowsOf(node.additionalProperties, [...path, '<id>']);
  }
  return [
    {
      key: path.join('.'),
      kind: kindOf(node, path),
      defaultValue: node.default === undefined ? undefined : JSON.stringify(node.default).replace(/^"(.*)"$/, '$1'),
      description: node.description ?? '',
      isEffective: !notYetEffective.some(({ pattern }) => isBelow(path, pattern.split('.'))),
    },
  ];
}

function isBelow(path: readonly string[], pattern: readonly string[]): boolean {
  const flat = path.flatMap((part) => (part.endsWith('[]') ? [part.slice(0, -2), '[]'] : [part]));
  return pattern.every((part, index) => part === '*' || part === flat[index]);
}

const durationKeys =
  /^(ttl|startTimeout|answerTimeout|stopGrace|maxWait|fairnessBound|after|interval|request|connect|response|idle|shutdown)$/;
const sizeKeys = /^(reserve|maxSize|maxFileSize|maxBodyBytes)$/;

function kindOf(node: JsonSchemaNode, path: readonly string[]): string {
  const key = path.at(-1) ?? '';
  if (durationKeys.test(key)) return 'duration';
  if (sizeKeys.test(key)) return 'size';
  if (node.enum !== undefined) return node.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (key === 'command' || key === 'stopCommand') return 'list or text';
  if (key === 'gpuLayers') return 'number, `auto`, `all`';
  if (key === 'budgets') return 'sizes by name';
  if (node.type === 'array') return 'list';
  if (node.type === 'object') return 'values by name';
  if (node.type === 'integer') return 'number';
  return node.type === 'boolean' ? 'true, false' : 'text';
}
