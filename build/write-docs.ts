import { writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { clientsMarkdown } from '#shared/model/clients-markdown.ts';
import { openApiDocument } from '../electron/api/openapi.ts';

/** Writes the documents that are derived from code: docs/openapi.json and docs/clients.md. */

async function write(file: string, text: string): Promise<void> {
  await writeFile(file, await format(text, { ...(await resolveConfig(file)), filepath: file }));
}

await write('docs/openapi.json', JSON.stringify(openApiDocument()));
await write('docs/clients.md', clientsMarkdown());
console.log('Wrote docs/openapi.json and docs/clients.md.');
