import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenApiDocument } from '../../electron/api/openapi.ts';
import { readEventData } from '#shared/contract/http-bridge.ts';
import { startHuggingFaceOrigin, type HuggingFaceOrigin } from '../fakes/hugging-face-origin.ts';
import { eventually, fakeModel, startCorral, type TestCorral } from './support/corral.ts';

let corral: TestCorral;
let hub: HuggingFaceOrigin;
let document: OpenApiDocument;
let ajv: Ajv2020;

beforeAll(async () => {
  hub = await startHuggingFaceOrigin({
    'ann/model': { files: { 'large.gguf': Buffer.alloc(100_000) } },
    'bob/model': { files: { 'small.gguf': Buffer.from('GGUF') } },
  });
  // One download is neither done nor failed as long as the tests run.
  hub.faults = ({ path }) => (path.includes('ann/model/') ? { stallAfterBytes: 0 } : {});
  corral = await startCorral({
    engine: { autoInstall: false },
    catalog: { huggingFace: { origin: hub.url } },
    models: { one: fakeModel({ name: 'one' }), two: fakeModel({ loadDelayMs: 60_000 }) },
  });
  corral.engine.downloads.start('bob/model');
  await eventually('a model is downloaded', () => corral.engine.snapshot().models.some(({ id }) => id === 'small'));
  const response = await ask('GET', '/control/openapi.json');
  expect(response.status).toBe(200);
  document = (await response.json()) as OpenApiDocument;
  ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
  ajv.addVocabulary(['components']);
  ajv.addSchema({ $id: 'corral', components: document.components });
});
afterAll(async () => {
  await corral.stop();
  await hub.close();
});

function ask(method: string, target: string, body?: unknown): Promise<Response> {
  return fetch(corral.address + target, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    headers: { authorization: `Bearer ${corral.engine.instanceToken}`, 'content-type': 'application/json' },
  });
}

/** Fails unless a value is what a schema of the description says. */
function expectValid(schema: object, value: unknown, what: string): void {
  const text = JSON.stringify(schema).replaceAll('"#/components/', '"corral#/components/');
  const validate = ajv.compile(JSON.parse(text) as object);
  validate(value);
  expect(validate.errors ?? [], what).toEqual([]);
}

/** What to send so that a command succeeds, in an order in which all do. */
const commandRequests: readonly (readonly [string, unknown])[] = [
  ['get-snapshot', {}],
  ['plan-load', { model: 'one' }],
  ['load-model', { model: 'one' }],
  ['pin-model', { model: 'one' }],
  ['unpin-model', { model: 'one' }],
  ['reset-model', { model: 'one' }],
  ['list-requests', {}],
  ['read-logs', { source: 'one' }],
  ['read-settings', {}],
  ['preview-settings', { edits: [{ path: ['log', 'level'], value: 'debug' }] }],
  ['update-settings', { edits: [{ path: ['log', 'level'], value: 'debug' }] }],
  ['read-catalog', {}],
  ['read-memory-history', {}],
  ['rescan-catalog', {}],
  ['find-engine', {}],
  ['pull-model', { source: 'ann/model' }],
  ['list-downloads', {}],
  ['pause-download', { download: 'PULLED' }],
  ['resume-download', { download: 'PULLED' }],
  ['cancel-download', { download: 'PULLED' }],
  ['delete-model', { model: 'small' }],
  ['cancel-request', { request: 'QUEUED' }],
  ['eject-model', { model: 'one' }],
  ['eject-all-models', {}],
  ['set-game-mode', { isOn: true }],
  ['set-game-mode', { isOn: false }],
];

describe('the OpenAPI description and the running server', () => {
  it('agree on every command: the request, the answer, and the refusal', async () => {
    const described = Object.keys(document.paths).filter((path) => path.startsWith('/control/commands/'));
    const asked = new Set(commandRequests.map(([name]) => `/control/commands/${name}`));
    expect([...asked].sort(), 'a command is not asked for here').toEqual(described.sort());

    await corral.chat('one');
    let pulled: string | undefined;
    const waiting = corral.post('/v1/chat/completions', { model: 'two', messages: [] });
    for (const [name, given] of commandRequests) {
      const path = `/control/commands/${name}`;
      const operation = document.paths[path]?.['post'];
      const [queued] = corral.engine.snapshot().queue;
      const ids: Readonly<Record<string, string | undefined>> = { QUEUED: queued?.id, PULLED: pulled };
      const request = JSON.parse(
        JSON.stringify(given).replaceAll(/QUEUED|PULLED/g, (word) => ids[word] ?? word),
      ) as unknown;
      const { content } = operation?.['requestBody'] as { content: { 'application/json': { schema: object } } };
      expectValid(content['application/json'].schema, request, `request of ${name}`);
      const response = await ask('POST', path, request);
      const body: unknown = await response.json();
      expect(response.status, `${name} ${JSON.stringify(body)}`).toBe(200);
      expectValid(operation?.responses['200']?.content['application/json']?.schema ?? {}, body, name);
      if (name === 'pull-model') pulled = (body as { download: { id: string } }).download.id;

      const refused = await ask('POST', path, { surplus: true });
      expect(refused.status, name).toBe(400);
      const failure = operation?.responses['default']?.content['application/json']?.schema ?? {};
      expectValid(failure, await refused.json(), `refusal of ${name}`);
    }
    expect((await waiting).status).toBe(503);
  });

  it('agree on everything that is read', async () => {
    for (const [path, operations] of Object.entries(document.paths)) {
      const get = operations['get'];
      if (get === undefined || path === '/control/events') continue;
      const response = await ask('GET', path.replace('{id}', 'one'));
      expect(response.status, path).toBe(200);
      const [[type, { schema }] = ['', { schema: {} }]] = Object.entries(get.responses['200']?.content ?? {});
      expect(response.headers.get('content-type'), path).toContain(type);
      const text = await response.text();
      expectValid(schema, type === 'application/json' ? JSON.parse(text) : text, path);
    }
    const missing = await ask('GET', '/v1/models/none');
    expect(missing.status).toBe(404);
    const failure = document.paths['/v1/models/{id}']?.['get']?.responses['default'];
    expectValid(failure?.content['application/json']?.schema ?? {}, await missing.json(), 'an unknown model');
  });

  it('agree on the stream of events', async () => {
    const gone = new AbortController();
    const response = await fetch(`${corral.address}/control/events`, {
      headers: { authorization: `Bearer ${corral.engine.instanceToken}` },
      signal: gone.signal,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    if (response.body === null) throw new Error('The stream of events has no body.');
    await corral.bridge.call('load-model', { model: 'one' });
    const kinds = new Set<string>();
    let count = 0;
    for await (const data of readEventData(response.body)) {
      const value = JSON.parse(data) as { event?: { type: string } };
      const id = value.event === undefined ? 'Snapshot' : 'Event';
      expectValid({ $ref: `#/components/schemas/${id}` }, value, id);
      kinds.add(value.event?.type ?? 'snapshot');
      count += 1;
      if (kinds.has('snapshot') && kinds.has('model-changed') && count >= 3) break;
    }
    gone.abort();
    expect([...kinds]).toContain('model-changed');
  });

  it.each(['GET', 'POST', 'PUT', 'DELETE', 'PATCH'])(
    'agree that %s does nothing where it is not described',
    async (method) => {
      for (const [path, operations] of Object.entries(document.paths)) {
        if (method.toLowerCase() in operations) continue;
        const response = await ask(method, path.replace('{id}', 'one'), method === 'GET' ? undefined : {});
        await response.body?.cancel();
        expect([404, 405], `${method} ${path}`).toContain(response.status);
      }
    },
  );

  it('is not shown without a token', async () => {
    expect((await fetch(`${corral.address}/control/openapi.json`)).status).toBe(401);
    expect((await ask('POST', '/control/openapi.json', {})).status).toBe(405);
  });
});
