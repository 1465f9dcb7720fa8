import { readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { configJsonSchema } from '../electron/engine/config/config-json-schema.ts';
import { configReferenceMarkdown } from '../electron/engine/config/config-reference.ts';

/** Writes what is derived from the schema of the configuration: `corral.schema.json` and the tables in the documentation. */

const START = '<!-- reference:start -->';
const END = '<!-- reference:end -->';

const docsPath = 'docs/configuration.md';
const docs = await readFile(docsPath, 'utf8');
const [before, after] = [docs.indexOf(START), docs.indexOf(END)];
if (before < 0 || after < before) throw new Error(`${docsPath} needs the lines ${START} and ${END}, in this order`);
const text = `${docs.slice(0, before + START.length)}\n\n${configReferenceMarkdown()}\n\n${docs.slice(after)}`;
await writeFile(docsPath, await format(text, { ...(await resolveConfig(docsPath)), filepath: docsPath }));

await writeFile('corral.schema.json', `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
console.log(`Wrote corral.schema.json and the reference in ${docsPath}.`);
