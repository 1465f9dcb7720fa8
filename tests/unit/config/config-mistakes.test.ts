import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configInvalidError, formatConfigIssue } from '../../../electron/engine/config/config-issue.ts';
import { errorsOf, parse } from './support/config-text.ts';

describe('parseConfig on mistakes', () => {
  it('lists all five of five mistakes, in the order of the file, with places', () => {
    const errors = errorsOf(`server:
  port: 70000
  hots: localhost
defaults:
  ttl: 30
models:
  one: { file: a.gguf, contxtSize: 5 }
  two: {}
`);
    expect(errors.map(formatConfigIssue)).toEqual([
      'server.port (line 2, column 3): must be at most 65535',
      'server.hots (line 3, column 3): unknown key; did you mean `host`?',
      'defaults.ttl (line 5, column 3): must be a duration with its unit, such as 30s, 10m or 1h30m, or 0',
      'models.one.contxtSize (line 7, column 24): unknown key; did you mean `contextSize`?',
      'models.two (line 8, column 3): needs a `file` (a GGUF file) or a `command` to run',
    ]);
  });

  it.each([
    ['- a', '', /must be a group of keys, but is a list/],
    ['server: 5', 'server', /must be a group of keys, but is a number/],
    ['zzz: 1', 'zzz', /unknown key; known here: .*server, engine/],
    ['server: { port: "5526" }', 'server.port', /must be a number, but is text/],
    ['server: { port: 1.5 }', 'server.port', /whole number|int/],
    ['server: { host: 0.0.0.0 }', 'server.host', /add a key to `server.apiKeys`/],
    ['server: { host: "::" }', 'server.host', /add a key/],
    ['server: { host: box.lan }', 'server.host', /add a key/],
    ['listeners: [{ dialect: ollama, host: 0.0.0.0, port: 11434 }]', 'listeners[0].host', /add a key/],
    ['listeners: [{ dialect: ollama, port: 5526 }]', 'listeners[0].port', /same port as server\.port \(its default\)/],
    ['{ server: { port: 81 }, listeners: [{ dialect: ollama, port: 81 }] }', 'listeners[0].port', /as server\.port;/],
    [
      'listeners: [{ dialect: ollama, port: 81 }, { dialect: native, port: 81 }]',
      'listeners[1].port',
      /same port as listeners\[0\]\.port/,
    ],
    ['listeners: [{ dialect: olama, port: 81 }]', 'listeners[0].dialect', /one of native, ollama/],
    ['listeners: [{ dialect: native, port: 81, options: { x: 1 } }]', 'listeners[0].options.x', /have no options/],
    [
      'listeners: [{ dialect: llama_cpp_router, port: 81, options: { ownr: x } }]',
      'listeners[0].options.ownr',
      /did you mean `owner`/,
    ],
    [
      'listeners: [{ dialect: llama_cpp_router, port: 81, options: { owner: 1 } }]',
      'listeners[0].options.owner',
      /must be text/,
    ],
    ['server: { host: "http://x", apiKeys: [{ name: a, key: k }] }', 'server.host', /must be an IP address/],
    ['server: { host: 999.1.1.1, apiKeys: [{ name: a, key: k }] }', 'server.host', /must be an IP address/],
    ['server: { allowedOrigins: ["*"] }', 'server.allowedOrigins[0]', /one origin/],
    ['server: { allowedOrigins: ["https://a.example/"] }', 'server.allowedOrigins[0]', /without a path/],
    ['server: { maxBodyBytes: 5 }', 'server.maxBodyBytes', /at least 1KiB/],
    [
      'server: { apiKeys: [{ name: a, key: k }, { name: a, key: l }] }',
      'server.apiKeys[1].name',
      /another key has this/,
    ],
    ['server: { apiKeys: [{ name: a, key: k }, { name: b, key: k }] }', 'server.apiKeys[1].key', /same as another/],
    ['server: { adminToken: k, apiKeys: [{ name: a, key: k }] }', 'server.apiKeys[0].key', /same as `adminToken`/],
    ['server: { apiKeys: [{ name: a }] }', 'server.apiKeys[0].key', /missing or empty/],
    ['server: { apiKeys: [{ name: a, key: 123 }] }', 'server.apiKeys[0].key', /put quotes around it/],
    ['memory: { maxLoaded: 0 }', 'memory.maxLoaded', /at least 1/],
    ['memory: { policy: lru }', 'memory.policy', /one of evict-lru, reject/],
    ['memory: { reserve: 1G }', 'memory.reserve', /must be a size with its unit/],
    ['models: { a: 5 }', 'models.a', /must be a group of keys/],
    ['models: { a: }', 'models.a', /needs a `file`|missing/],
    ['models: { a: { file: x, command: y } }', 'models.a.command', /either `file` or `command`/],
    ['models: { a: { file: x, health: /h } }', 'models.a.health', /only for models with `command`/],
    ['models: { a: { command: x, mmproj: y } }', 'models.a.mmproj', /only for models with `file`/],
    ['models: { a: { command: "" } }', 'models.a.command', /must name a program/],
    ['models: { a: { command: [""] } }', 'models.a.command', /must name a program/],
    ['models: { a: { command: true } }', 'models.a.command', /a list of words, or one string/],
    ["models: { a: { command: 'x \"y' } }", 'models.a.command', /never closed/],
    ['models: { a: { command: "x ${PROT}" } }', 'models.a.command', /known here: \$\{PORT\}/],
    ['models: { a: { command: "x ${PID}" } }', 'models.a.command', /unknown \$\{PID\}/],
    ['models: { a: { command: x, health: h } }', 'models.a.health', /starts with \//],
    ['models: { a: { command: x, readyPattern: "(" } }', 'models.a.readyPattern', /regular expression/],
    ['models: { a: { file: "${env.NOPE}/x" } }', 'models.a.file', /NOPE, which is not set/],
    ['server: { port: "${env.NOPE}" }', 'server.port', /NOPE, which is not set/],
    ['models: { a: { file: x, aliases: [b] }, b: { file: y } }', 'models.a.aliases[0]', /id of another model/],
    ['models: { a: { file: x, aliases: [c] }, b: { file: y, aliases: [c] } }', 'models.b.aliases[0]', /alias of "a"/],
    ['models: { "": { file: x } }', 'models[""]', /must not be empty/],
    ['models: { "a\\nb": { file: x } }', 'models["a\\nb"]', /control characters/],
    [`models: { ${'x'.repeat(301)}: { file: x } }`, `models.${'x'.repeat(301)}`, /longer than 300/],
    ['models: { __proto__: { file: x } }', 'models.__proto__', /cannot be used/],
    ['models: { a: { file: x, queue: { maxWait: 0 } } }', 'models.a.queue.maxWait', /longer than 0/],
    ['models: { a: { file: x, gpuLayers: most } }', 'models.a.gpuLayers', /a number of layers, auto or all/],
    ['models: { "a.b": { file: x, ttl: 5 } }', 'models["a.b"].ttl', /duration/],
    ['models: { a: { file: x, env: { A: true } } }', 'models.a.env.A', /put quotes around/],
    ['pools: { p: { endpoints: [{ url: ftp://x }] } }', 'pools.p.endpoints[0].url', /http/],
  ])('%s', (text, path, message) => {
    const errors = errorsOf(text);
    expect(errors.map((error) => error.path)).toEqual([path]);
    expect(errors[0]?.message).toMatch(message);
    expect(errors[0]?.message).not.toMatch(/invalid union|invalid input/i);
  });

  it.each([
    ['a: [1, 2', /not closed/, 1],
    ['server:\n\tport: 1', /tabs/, 2],
    ['server: {}\nserver: {}', /twice/, 2],
    ['models:\n  a: { file: x, file: y }', /twice/, 2],
    ['a: *nowhere', /anchor/, 1],
    ['a: !secret b', /tags/, 1],
    ['a: 1\n---\nb: 2', /one document/, 2],
    ['a: &x [*x]', /a part of/, 1],
    [
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(9)}]\nc: &c [${'*b,'.repeat(9)}]\nd: &d [${'*c,'.repeat(9)}]`,
      /too many aliases/,
      2,
    ],
  ])('reports the place of bad YAML: %j', (text, message, line) => {
    const errors = errorsOf(text);
    expect(errors[0]?.message).toMatch(message);
    expect(errors[0]?.line).toBe(line);
    expect(errors[0]?.column).toBeGreaterThan(0);
  });

  it('survives brackets without an end', () => {
    expect(errorsOf('['.repeat(100_000))).not.toEqual([]);
  });

  it('never repeats a value', () => {
    const secret = 'hunter2-hunter2';
    const texts = [
      `server: { adminToken: "${secret} x", apiKeys: [{ name: a, key: "${secret} y" }], port: ${secret} }`,
      `server: { apiKeys: ${secret} }`,
      `server: { apiKeys: *${secret} }`,
      `server: { apiKeys: [{ name: a, key: "${secret}`,
      `server: { adminToken: "\\${secret}" }`,
      `server: { adminToken: !${secret} x }`,
      `models: { a: { command: "x '${secret}", ttl: ${secret}, readyPattern: "(${secret}" } }`,
      `pools: { p: { endpoints: [{ url: ${secret}, apiKey: "${secret} " }] } }`,
    ];
    for (const text of texts) {
      const errors = errorsOf(text);
      expect(errors.length).toBeGreaterThan(0);
      expect(JSON.stringify(errors)).not.toContain(secret);
    }
  });

  it('returns a result for any text', () => {
    const fragment = fc.constantFrom(
      'server',
      'models',
      'a',
      ':',
      ' ',
      '\n',
      '  ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '*a',
      '&a ',
      '${',
      '}',
      '"',
      "'",
      '0',
      'file',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fragment, { maxLength: 30 }).map((parts) => parts.join('')),
        ),
        (text) => {
          const result = parse(text);
          expect(result.ok || result.errors.length > 0).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('makes one error of all issues', () => {
    const error = configInvalidError('/c.yaml', errorsOf('a: 1\nb: 2'));
    expect(error.code).toBe('config-invalid');
    expect(error.message).toMatch(
      /^\/c\.yaml has 2 errors; .*\n {2}a \(line 1, column 1\): unknown key.*\n {2}b \(line 2/,
    );
  });
});

describe('parseConfig on names that mean something else', () => {
  it.each([
    ['models: { corral: { file: a } }', 'models.corral', /reserved/],
    ['models: { a: { file: a } }\nsets: { s: { models: [a, b] } }', 'sets.s.models[1]', /not the id of a model/],
    ['models: { a: { file: a } }\nsets: { a: { models: [a] } }', 'sets.a', /also the id of a model/],
  ])('%j', (text, path, message) => {
    const errors = errorsOf(text);
    expect(errors.map((error) => error.path)).toEqual([path]);
    expect(errors[0]?.message).toMatch(message);
  });
});
