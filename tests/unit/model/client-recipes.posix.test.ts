import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { recipe, type ClientId, type RecipeFacts, type RecipeSnippet } from '#shared/model/client-recipes.ts';

const facts: RecipeFacts = { address: 'http://192.168.1.7:5526', model: 'qwen3-8b', key: 'sk-local' };

/** Everything that has to be quoted somewhere, as ids of models may hold it. */
const awkward: RecipeFacts = { ...facts, model: `O'Neil "70B" \\ $HOME: #1 – ñ`, key: `it's-$(id)"` };

function snippets(client: ClientId, given: RecipeFacts): RecipeSnippet[] {
  return recipe(client, given).flatMap(({ snippet }) => (snippet === undefined ? [] : [snippet]));
}

describe('recipes for a shell', () => {
  const run = (script: string): string => execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' });

  it.each([facts, awkward])('hand over the values as they are, and run nothing: $model', (given) => {
    const [variables] = snippets('environment', given).filter(({ language }) => language === 'shell');
    expect(run(`${variables!.code}\nprintf '%s' "$OPENAI_API_KEY"`)).toBe(given.key);
    const [chat] = snippets('curl', given);
    const args = run(`curl() { for each in "$@"; do printf '%s\\n' "$each"; done; }\n${chat!.code}`)
      .trimEnd()
      .split('\n');
    expect(args).toContain(`Authorization: Bearer ${given.key}`);
    expect(JSON.parse(args.at(-1)!)).toMatchObject({ model: given.model });
    const [aider] = snippets('aider', given);
    expect(run(`aider() { printf '%s' "$2"; }\n${aider!.code}`)).toBe(`openai/${given.model}`);
  });
});
