import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { clients, recipe, type ClientId, type RecipeFacts, type RecipeSnippet } from '#shared/model/client-recipes.ts';

const facts: RecipeFacts = {
  address: 'http://192.168.1.7:5526',
  model: 'qwen3-8b',
  key: 'sk-local',
  contextSize: 16_384,
};

/** Everything that has to be quoted somewhere, as ids of models may hold it. */
const awkward: RecipeFacts = { ...facts, model: `O'Neil "70B" \\ $HOME: #1 – ñ`, key: `it's-$(id)"` };

function snippets(client: ClientId, given = facts): RecipeSnippet[] {
  return recipe(client, given).flatMap(({ snippet }) => (snippet === undefined ? [] : [snippet]));
}

function parseAll(client: ClientId, given: RecipeFacts): unknown[] {
  return snippets(client, given).flatMap(({ language, code }): unknown[] => {
    if (language === 'json') return [JSON.parse(code)];
    return language === 'yaml' ? [parse(code)] : [];
  });
}

describe.each(clients)('the recipe for $name', ({ id }) => {
  it('has the address, the model and the key in what one copies', () => {
    const code = snippets(id)
      .map((snippet) => snippet.code)
      .join('\n');
    for (const fact of [facts.address, facts.model, facts.key]) expect(code).toContain(fact);
  });

  it('says of every snippet what it is for', () => {
    for (const { text } of recipe(id, facts)) expect(text).not.toBe('');
  });
});

describe('recipes for configuration files', () => {
  it.each([facts, awkward])('parse, with the values as they are: $model', (given) => {
    expect(parseAll('librechat', given)).toMatchObject([
      {
        endpoints: {
          custom: [{ apiKey: given.key, baseURL: `${given.address}/v1`, models: { default: [given.model] } }],
        },
      },
    ]);
    expect(parseAll('continue', given)).toMatchObject([
      { models: [{ model: given.model, apiBase: `${given.address}/v1`, apiKey: given.key }] },
    ]);
    expect(parseAll('zed', given)).toMatchObject([
      {
        language_models: {
          openai_compatible: {
            Corral: { api_url: `${given.address}/v1`, available_models: [{ name: given.model, max_tokens: 16_384 }] },
          },
        },
      },
    ]);
    expect(parseAll('vs-code', given)).toMatchObject([
      [{ id: given.model, url: `${given.address}/v1/chat/completions`, maxInputTokens: 12_288, maxOutputTokens: 4096 }],
    ]);
  });

  it('say that the context size is not known where it is not', () => {
    const unknown = { ...facts, contextSize: undefined };
    expect(
      recipe('zed', unknown)
        .map(({ text }) => text)
        .join(' '),
    ).toContain('does not know it yet');
    expect(
      recipe('zed', facts)
        .map(({ text }) => text)
        .join(' '),
    ).toContain('16384');
  });
});

describe('the Anthropic SDK', () => {
  it('gets the address without /v1, which it adds itself', () => {
    for (const { code } of snippets('anthropic')) expect(code).not.toContain('/v1');
  });
});
