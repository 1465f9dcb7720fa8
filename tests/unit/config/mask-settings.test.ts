import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { findMaskedEdits, maskSettings, refuseMaskedEdits } from '../../../electron/engine/config/mask-settings.ts';
import { readYaml } from '../../../electron/engine/config/read-yaml.ts';
import { SECRET_MASK } from '#shared/contract/settings.ts';

const CANARY = 'canary-5e1f';

describe('a configuration as it is shown', () => {
  it('keeps all but secrets as it is, comments and layout included', () => {
    const text = [
      '# my machine',
      'server:',
      '  port: 5526 # the usual one',
      `  adminToken: "${CANARY}-1"   # do not share`,
      '  apiKeys:',
      `    - { name: laptop, key: '${CANARY}-2', priority: 3 }`,
      '    - name: phone',
      '      key: ${env.PHONE_KEY}',
      '',
      'models:',
      '  env: { file: a.gguf }',
      '  qwen:',
      '    file: models/qwen.gguf',
      `    env: { HF_TOKEN: ${CANARY}-3, THREADS: 8, EMPTY: "" }`,
      '    args: [--api-key, "${env.CHILD_KEY}", --threads, 4]',
      '',
    ].join('\n');
    expect(maskSettings(text)).toEqual({
      text: text
        .replace(`"${CANARY}-1"`, `"${SECRET_MASK}"`)
        .replace(`'${CANARY}-2'`, `"${SECRET_MASK}"`)
        .replace(`${CANARY}-3`, `"${SECRET_MASK}"`)
        .replace('THREADS: 8', `THREADS: "${SECRET_MASK}"`),
      values: {
        server: {
          port: 5526,
          adminToken: SECRET_MASK,
          apiKeys: [
            { name: 'laptop', key: SECRET_MASK, priority: 3 },
            { name: 'phone', key: '${env.PHONE_KEY}' },
          ],
        },
        models: {
          env: { file: 'a.gguf' },
          qwen: {
            file: 'models/qwen.gguf',
            env: { HF_TOKEN: SECRET_MASK, THREADS: SECRET_MASK, EMPTY: '' },
            args: ['--api-key', '${env.CHILD_KEY}', '--threads', '4'],
          },
        },
      },
    });
  });

  it.each([
    ['a block text', `server:\n  adminToken: |\n    ${CANARY}\n    more\n  port: 1\n`],
    ['a folded text', `server:\n  adminToken: >-\n    ${CANARY}\n    more\n  port: 1\n`],
    ['a text over several lines', `server:\n  adminToken: "${CANARY}\n    more"\n  port: 1\n`],
    ['a plain text over several lines', `server:\n  adminToken: ${CANARY}\n    more\n  port: 1\n`],
    ['a text with a tag and an anchor', `server:\n  adminToken: !!str &t ${CANARY}\n  apiKeys: [{ key: *t }]\n`],
    ['an anchor in an open place', `models:\n  a: { args: [&s ${CANARY}] }\nserver: { adminToken: *s }\n`],
    ['an environment under an anchor', `defaults:\n  env: &e { A: ${CANARY} }\nmodels: { a: { env: *e } }\n`],
    ['the environment of all models', `defaults:\n  env:\n    PLAIN: ${CANARY}\n`],
    ['an endpoint', `pools: { lab: { endpoints: [{ url: "http://x", apiKey: ${CANARY} }] } }\n`],
    ['a password in an address', `pools: { lab: { endpoints: [{ url: "https://me:${CANARY}@x/v1" }] } }\n`],
    ['an argument', `models: { a: { args: [--hf-token, ${CANARY}] } }\n`],
    ['an argument after an alias', `models: { a: { args: [&f --api-key, x] }, b: { args: [*f, ${CANARY}] } }\n`],
    ['an argument with =', `models: { a: { args: ["--api-key=${CANARY}"] } }\n`],
    ['a command in one string', `models: { a: { command: "serve --api-key '${CANARY} x' --port 1" } }\n`],
    ['a key out of its place', `adminToken: ${CANARY}\n`],
    ['a list of bare keys', `server: { apiKeys: [${CANARY}] }\n`],
    ['an environment as a list', `models: { a: { env: [A=${CANARY}] } }\n`],
    ['a key as a number', 'server: { adminToken: 5105105 }\n'],
    ['a comment', `# adminToken: ${CANARY}\nserver: {}\n`],
    ['a comment that holds a secret in use', `server:\n  adminToken: ${CANARY}\n  # was ${CANARY} in May\n`],
    ['an environment in comments', `models:\n  a:\n    file: x\n    # env:\n    #   PLAIN: ${CANARY}\n`],
    ['explicit keys', `? server\n: ? adminToken\n  : ${CANARY}\n`],
    ['JSON', `{\n  "server": { "adminToken": "${CANARY}", "port": 1 }\n}\n`],
    ['Windows lines', `server:\r\n  adminToken: ${CANARY}\r\n  port: 1\r\n`],
    ['a byte order mark', `\uFEFFserver:\n  adminToken: ${CANARY}\n`],
    ['a list at the top', `- adminToken: ${CANARY}\n`],
  ])('hides a secret in %s, and stays valid', (_where, text) => {
    const secret = text.includes(CANARY) ? CANARY : '5105105';
    expect(text).toContain(secret);
    const { text: shown, values } = maskSettings(text);
    expect(shown).not.toContain(secret);
    expect(JSON.stringify(values)).not.toContain(secret);
    expect(shown).toContain(SECRET_MASK);
    expect(readYaml(shown).ok).toBe(true);
    if (text.startsWith('{')) expect(() => JSON.parse(shown) as unknown).not.toThrow();
  });

  it.each([
    ['an unclosed list', `server:\n  apiKeys: [\n    { name: a, key: ${CANARY}\n`],
    ['an unclosed quote', `server:\n  adminToken: "${CANARY}\n  port: 1\n`],
    ['a tab', `server:\n\tadminToken: ${CANARY}\n`],
    ['a key that is there twice', `server:\n  adminToken: ${CANARY}\n  adminToken: ${CANARY}2\n`],
    ['JSON that is cut off', `{"server":{"adminToken":"${CANARY}","port":1},"mod`],
    ['an environment', `a: [\nmodels:\n  x:\n    env:\n      PLAIN: ${CANARY}\n      OTHER: b${CANARY}\n    file: y\n`],
    ['an environment in braces', `a: [\nmodels:\n  x:\n    env: {\n  PLAIN: ${CANARY},\n  B: x${CANARY} }\n`],
    ['a block text', `a: [\nserver:\n  adminToken: |\n    ${CANARY}\n`],
    ['a list entry', `a: [\nserver:\n  apiKeys:\n    - key: >\n        ${CANARY}\n      priority: 4\n`],
    ['a bare list of keys', `a: [\nserver:\n  apiKeys:\n    - ${CANARY}\n`],
    ['a reference beside a secret', `a: [\n{ key: \${env.A}, adminToken: ${CANARY} }\n`],
    ['a text over several lines', `a: [\nadminToken: "x\n${CANARY}"\n`],
  ])('hides a secret in a broken file: %s', (_what, text) => {
    expect(readYaml(text).ok).toBe(false);
    const { text: shown, values } = maskSettings(text);
    expect(values).toBeNull();
    expect(shown).not.toContain(CANARY);
    expect(shown.split('\n')).toHaveLength(text.split('\n').length);
  });

  it('shows what is no secret in a broken file, so that the mistake can be found', () => {
    const text = 'server:\n  port: [\n  adminToken: ${env.ADMIN}\nmodels:\n  a:\n    file: a.gguf\n';
    expect(maskSettings(text)).toEqual({ text, values: null });
  });

  it('has nothing to hide in an empty file, and no form for what JSON has none for', () => {
    expect(maskSettings('')).toEqual({ text: '', values: {} });
    expect(maskSettings('a: .inf\nb: ~\n').values).toEqual({ a: null, b: null });
    expect(maskSettings('just text\n')).toEqual({ text: 'just text\n', values: null });
  });

  it.each([
    ['a word', 'a'.repeat(2 ** 20)],
    ['dots', 'a.'.repeat(2 ** 19)],
    ['names', 'key '.repeat(2 ** 18)],
    ['addresses', 'a://b:'.repeat(2 ** 17)],
    ['flags', ' --api-key'.repeat(2 ** 16)],
    ['spaces', ' '.repeat(2 ** 20)],
  ])('is done with a megabyte of %s', (_what, long) => {
    for (const text of [`a: "${long}"\nb: c # ${long}\n`, `a: [ ${long}`]) {
      expect(maskSettings(text).text.length).toBeGreaterThan(10);
    }
  });

  it('is done with what is nested as deep as it can be read', () => {
    for (const depth of [100, 1000, 10_000]) {
      const text = `a: ${'['.repeat(depth)}${']'.repeat(depth)}\n`;
      expect(maskSettings(text).text).toBeTruthy();
    }
  });

  it('hides secrets whatever else the file says and however it is cut', () => {
    const word = fc.string({ minLength: 1, maxLength: 12 });
    const config = fc.record({
      server: fc.record({ adminToken: word, port: fc.nat(), apiKeys: fc.array(fc.record({ name: word, key: word })) }),
      defaults: fc.record({ env: fc.dictionary(word, word), args: fc.array(word) }),
      models: fc.dictionary(
        word.map((id) => `m ${id}`),
        fc.record({ file: word, env: fc.dictionary(word, word) }),
      ),
    });
    const tagged = (value: unknown, isSecret = false): unknown => {
      if (typeof value === 'string') return isSecret ? CANARY + value : value;
      if (Array.isArray(value)) return value.map((entry) => tagged(entry, isSecret));
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value).map(([name, entry]) => [
          name,
          tagged(entry, isSecret || ['adminToken', 'key', 'env'].includes(name)),
        ]),
      );
    };
    fc.assert(
      fc.property(config, fc.boolean(), (value, isJson) => {
        const text = isJson ? JSON.stringify(tagged(value), null, 2) : stringify(tagged(value));
        const masked = maskSettings(text);
        expect(JSON.stringify(masked)).not.toContain(CANARY);
        const shown = readYaml(masked.text);
        expect(shown.ok && shown.value).toEqual(masked.values);
      }),
      { numRuns: 100 },
    );
  });
});

describe('an edit with a mask', () => {
  it.each([
    [SECRET_MASK],
    [`Bearer ${SECRET_MASK}`],
    [{ A: 'b', B: SECRET_MASK }],
    [[{ name: 'a', key: SECRET_MASK }]],
    [{ [SECRET_MASK]: 'a' }],
  ])('is refused, so that no form writes one back: %j', (value) => {
    const edits = [
      { path: ['log', 'level'], value: 'debug' },
      { path: ['server', 'apiKeys', 0, 'key'], value },
    ];
    expect(findMaskedEdits(edits)).toMatchObject([{ path: 'server.apiKeys[0].key' }]);
    expect(() => refuseMaskedEdits(edits)).toThrow(
      expect.objectContaining({
        code: 'invalid-request',
        message: expect.stringContaining('send the secret itself') as string,
      }) as Error,
    );
  });

  it('is not what other values are', () => {
    const edits = [{ path: ['a'], value: '•••' }, { path: ['b'] }, { path: ['c'], value: { d: [null, 1, 'x'] } }];
    expect(findMaskedEdits(edits)).toEqual([]);
    expect(() => refuseMaskedEdits(edits)).not.toThrow();
  });
});
