import { describe, expect, it } from 'vitest';
import { formatConfigIssue } from '../../../electron/engine/config/config-issue.ts';
import { errorsOf, parse, valid } from './support/config-text.ts';

describe('pools in the configuration', () => {
  it('resolves pools, with each endpoint once and addresses without what every route has', () => {
    const { pools } = valid(`
defaults: { queue: { max: 7 } }
pools:
  lab:
    endpoints:
      - url: https://gpu.example.com/base/v1/
        apiKey: "\${env.TOKEN}"
        concurrency: 4
      - { url: "http://10.0.0.5:8000", models: [a] }
      - { url: "http://10.0.0.5:8000/v1", models: [b, a] }
    sticky: user
    health: { interval: 5s }
`);
    expect([...pools]).toEqual([
      [
        'lab',
        {
          endpoints: [
            { url: 'https://gpu.example.com/base', apiKey: 's3cret', models: ['*'], concurrency: 4 },
            { url: 'http://10.0.0.5:8000', apiKey: undefined, models: ['a', 'b'], concurrency: undefined },
          ],
          sticky: 'user',
          stickyTtlMs: 1_800_000,
          maxSticky: 10_000,
          wildcard: 'listed',
          queue: { max: 7, maxWaitMs: 300_000 },
          health: { path: '/health', intervalMs: 5000, timeoutMs: 5000 },
        },
      ],
    ]);
  });

  it('warns of an endpoint that is listed twice', () => {
    const result = parse('pools: { p: { endpoints: [{ url: "http://x" }, { url: "http://x/v1/" }] } }');
    expect(result.ok && result.warnings.map(formatConfigIssue)).toEqual([
      expect.stringMatching(/^pools\.p\.endpoints\[1\] .*is listed before; it is used once/) as string,
    ]);
  });

  it.each([
    ['endpoints: []', 'pools.p.endpoints', 'must have at least one endpoint'],
    ['{}', 'pools.p.endpoints', 'is missing'],
    ['endpoints: [{ url: "ftp://x" }]', 'pools.p.endpoints[0].url', 'http:// or https://'],
    ['endpoints: [{ url: "http://me:pw@x" }]', 'pools.p.endpoints[0].url', 'without a query or a password'],
    ['endpoints: [{ url: "http://x/?key=1" }]', 'pools.p.endpoints[0].url', 'without a query or a password'],
    ['endpoints: [{ url: "http://x", models: [] }]', 'pools.p.endpoints[0].models', 'at least one model'],
    ['endpoints: [{ url: "http://x", concurrency: 0 }]', 'pools.p.endpoints[0].concurrency', ''],
    ['endpoints: [{ url: "http://x" }], health: { path: health }', 'pools.p.health.path', 'starts with /'],
  ])('refuses a pool with %s', (written, path, message) => {
    const errors = errorsOf(`pools: { p: ${written === '{}' ? '{}' : `{ ${written} }`} }`);
    expect(errors.map((error) => error.path)).toEqual([path]);
    expect(errors[0]?.message).toContain(message);
  });

  it('refuses a pool with the name of a set', () => {
    const errors = errorsOf(
      'models: { a: { file: x } }\nsets: { s: { models: [a] } }\npools: { s: { endpoints: [{ url: "http://x" }] } }',
    );
    expect(errors.map(({ path }) => path)).toEqual(['pools.s']);
  });
});
