import { z } from 'zod';
import type { PathSegment } from './config-issue.ts';
import { configSchema } from './schema.ts';

/** The part of JSON Schema that zod writes for the configuration. */
export interface JsonSchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchemaNode | boolean;
  readonly items?: JsonSchemaNode;
  readonly anyOf?: readonly JsonSchemaNode[];
  readonly oneOf?: readonly JsonSchemaNode[];
}

/** The JSON Schema (draft 7, which editors know best) of the configuration file, as it is written by people. */
export function configJsonSchema(): JsonSchemaNode & Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(configSchema, {
    target: 'draft-7',
    io: 'input',
    override({ jsonSchema }) {
      const properties = jsonSchema.properties;
      if (properties !== undefined && 'file' in properties && 'command' in properties) {
        jsonSchema.oneOf = [{ required: ['file'] }, { required: ['command'] }];
      }
    },
  });
  const { $schema, ...rest } = schema as JsonSchemaNode & Readonly<Record<string, unknown>>;
  return { $schema, title: 'Corral configuration', ...rest };
}

let cachedSchema: JsonSchemaNode | undefined;

/** The keys that may stand at a path of the configuration; empty where any may, or where there is nothing to hold keys. */
export function knownKeysAt(segments: readonly PathSegment[]): readonly string[] {
  cachedSchema ??= configJsonSchema();
  let node: JsonSchemaNode | undefined = cachedSchema;
  for (const segment of segments) {
    if (typeof segment === 'number') node = node?.items;
    else if (node?.properties !== undefined && Object.hasOwn(node.properties, segment)) node = node.properties[segment];
    else node = typeof node?.additionalProperties === 'object' ? node.additionalProperties : undefined;
  }
  return Object.keys(node?.properties ?? {});
}
