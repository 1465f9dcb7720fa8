import { readFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { describe, expect, it } from 'vitest';
import { clients } from '#shared/model/client-recipes.ts';
import { clientsMarkdown } from '#shared/model/clients-markdown.ts';

const file = new URL('../../../docs/clients.md', import.meta.url);

describe('docs/clients.md', () => {
  it('is what the recipes say', async () => {
    const expected = await format(clientsMarkdown(), { ...(await resolveConfig(file)), parser: 'markdown' });
    expect(await readFile(file, 'utf8'), 'out of date: run `npm run docs`').toBe(expected);
  });

  it('has every client', async () => {
    const text = await readFile(file, 'utf8');
    for (const { name } of clients) expect(text).toContain(`### ${name}\n`);
  });
});
