import { readdir, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../electron/engine/ports/clock.ts';
import { demoModelConfig } from '../../electron/engine/catalog/demo-model-config.ts';
import type { ModelConfig } from '../../electron/engine/config/resolved-config.ts';
import { openEndpoint, type Endpoint } from '../../electron/engine/supervisor/endpoint.ts';
import type { Logger } from '../../electron/engine/ports/logger.ts';
import {
  createKvCacheKeeper,
  type KvCacheKeeper,
  type KvCachePlace,
} from '../../electron/engine/supervisor/kv-cache-keeper.ts';
import { createFakeClock, type FakeClock } from '../fakes/fake-clock.ts';
import { createTestFolder, eventually, type TestFolder } from './support/corral.ts';

/** What a server is asked for slots, against one that answers as the test says. */

type Respond = (request: {
  action: string;
  slot: number;
  filePath: string;
}) => Promise<[status: number, body: unknown]>;

const model = { ...demoModelConfig('/m.gguf'), keepKvCache: true };
const start = { args: ['--model', '/m.gguf'], env: {}, build: ['b', 'v'] } as const;

const logger: Logger = {
  log(level, message) {
    if (level === 'warn') warnings.push(message);
  },
};

let folder: TestFolder;
let root: string;
let clock: FakeClock;
let models: Map<string, ModelConfig>;
let warnings: string[];
let notes: string[];
let keeper: KvCacheKeeper;
let place: KvCachePlace;
let server: http.Server;
let endpoint: Endpoint;
let asked: string[];
/** Of the process whose slots are saved. */
let exited: Promise<void>;
let end: () => void;
let respond: Respond;

const slots = [
  { id: 0, n_ctx: 64, is_processing: false, id_task: 3, n_prompt_tokens: 5 },
  { id: 1, n_ctx: 64, is_processing: false, id_task: 9, n_prompt_tokens: 6 },
  { id: 2, n_ctx: 64, is_processing: false, id_task: 4, n_prompt_tokens: 0 },
  { id: 3, n_ctx: 64, is_processing: true, id_task: 5, n_prompt_tokens: 6 },
  { id: 4, n_ctx: 64, is_processing: false },
];

/** As llama-server does it: a file a slot, 36 bytes for an empty one. */
const asLlamaServer: Respond = async ({ action, slot, filePath }) => {
  if (action === 'restore') return [200, { n_restored: slot + 5 }];
  const content = 'x'.repeat(slot === 4 ? 36 : 1000 + slot);
  await writeFile(filePath, content, { mode: 0o644 });
  return [200, { n_saved: slot === 4 ? 0 : slot + 5, n_written: content.length }];
};

beforeEach(async () => {
  folder = await createTestFolder();
  root = path.join(folder.path, 'kv-cache');
  clock = createFakeClock();
  models = new Map([[model.id, model]]);
  [warnings, notes, asked] = [[], [], []];
  respond = asLlamaServer;
  exited = new Promise((resolve) => {
    end = resolve;
  });
  server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const [, slot, action = 'list'] = /^\/slots(?:\/(\d+)\?action=(\w+))?$/.exec(request.url ?? '') ?? [];
      asked.push(slot === undefined ? action : `${action} ${slot}`);
      if (slot === undefined) return void response.end(JSON.stringify(slots));
      const { filename } = JSON.parse(Buffer.concat(chunks).toString()) as { filename: string };
      void respond({ action, slot: Number(slot), filePath: path.join(place.folder, filename) }).then(([status, body]) =>
        response.writeHead(status).end(JSON.stringify(body)),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  endpoint = openEndpoint({
    listen: { kind: 'tcp', host: '127.0.0.1', port },
    apiKey: 'key',
    advertisedIdleMs: undefined,
    connectTimeoutMs: 1000,
    clock: systemClock,
  });
  keeper = createKvCacheKeeper({
    defaultFolder: root,
    settings: () => ({ folder: undefined, maxBytes: 1_000_000 }),
    models: () => models,
    clock,
    logger,
  });
  const prepared = await keeper.preparePlace(model, start);
  if (prepared === undefined) throw new Error('no place');
  place = prepared;
});
afterEach(async () => {
  end();
  await endpoint.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await keeper.close();
  expect(clock.timerCount()).toBe(0);
  await folder.dispose();
});

const note = (text: string): void => void notes.push(text);
/** Saves, lets the process end, and waits for what there is to do then. */
async function save(): Promise<void> {
  let endHere: () => void = () => undefined;
  const exitedHere = new Promise<void>((resolve) => {
    endHere = resolve;
  });
  await keeper.save(place, endpoint, { graceMs: 10_000, exited: exitedHere, note });
  endHere();
  await keeper.close();
}

const restore = (signal = new AbortController().signal): Promise<void> =>
  keeper.restore(place, endpoint, { signal, note });
const never = new Promise<never>(() => undefined);

describe('saving', () => {
  it('takes what is at rest and has something, the last used first, for its owner alone', async () => {
    await keeper.save(place, endpoint, { graceMs: 10_000, exited, note });
    expect(asked).toEqual(['list', 'save 1', 'save 0', 'save 4']);
    end();
    await keeper.close();
    const files = await readdir(place.folder);
    expect(files.filter((name) => name.endsWith('.kv'))).toHaveLength(2);
    for (const name of files) expect((await stat(path.join(place.folder, name))).mode & 0o777, name).toBe(0o600);
    for (const each of [root, place.folder]) expect((await stat(each)).mode & 0o777, each).toBe(0o700);
    expect(notes).toEqual([expect.stringMatching(/saved 2 conversations \(11 tokens, 2\.0 kB\) in /)]);
  });

  it('ends when its time is over, with what it has by then', async () => {
    respond = (request) => (request.slot === 0 ? never : asLlamaServer(request));
    const saving = keeper.save(place, endpoint, { graceMs: 4000, exited, note });
    await eventually('the second is being saved', () => asked.includes('save 0'));
    expect(clock.untilNextMs()).toBe(2000);
    clock.advance(2000);
    await saving;
    expect(notes.join('\n')).toMatch(/not saved: the time for it was over\n.*saved 1 conversation \(6 tokens/);
    await eventually('it counts', async () => (await readdir(place.folder)).includes('saved.json'));
    expect(asked).toEqual(['list', 'save 1', 'save 0']);
  });

  it('ends with the process', async () => {
    respond = () => never;
    const saving = keeper.save(place, endpoint, { graceMs: 10_000, exited, note });
    await eventually('it is being saved', () => asked.includes('save 1'));
    end();
    await saving;
    expect(notes).toEqual([expect.stringMatching(/the process has ended/)]);
  });

  it('is left alone without time, and for a model that is gone or no longer to be kept', async () => {
    await keeper.save(place, endpoint, { graceMs: 0, exited, note });
    models = new Map([[model.id, { ...model, keepKvCache: false }]]);
    await save();
    models = new Map();
    await save();
    expect(asked).toEqual([]);
  });

  it('keeps what was saved before if the disk takes only a part, or the server refuses', async () => {
    await save();
    const before = await readdir(place.folder);
    respond = async ({ slot, filePath }) => {
      await writeFile(filePath, 'x');
      return slot === 1 ? [200, { n_saved: 6, n_written: 1000 }] : [500, { error: { message: 'no space' } }];
    };
    await save();
    expect(await readdir(place.folder)).toEqual(before);
    expect(notes.join('\n')).toMatch(/took only a part.*\n.*llama-server answered 500: no space/);
  });
});

describe('restoring', () => {
  beforeEach(async () => {
    await save();
    await keeper.preparePlace(model, start);
    [asked, notes] = [[], []];
  });

  it('asks for each slot, and can do so again', async () => {
    await restore();
    await restore();
    expect(asked).toEqual(['list', 'restore 1', 'restore 0', 'list', 'restore 1', 'restore 0']);
    expect(warnings).toEqual([]);
  });

  it('ends when its time is over, and what took so long is not tried again', async () => {
    respond = () => never;
    const restoring = restore();
    await eventually('it is being restored', () => asked.includes('restore 1'));
    clock.advance(2100);
    await restoring;
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toMatch(/was not restored and is removed: it took too long/);
    await keeper.close();
    expect(await readdir(place.folder)).toEqual([]);
  });

  it('is not tried again with files at which the process ended', async () => {
    respond = () => never;
    const dying = new AbortController();
    const restoring = restore(dying.signal);
    await eventually('it is being restored', () => asked.includes('restore 1'));
    dying.abort();
    await restoring;
    await keeper.close();
    asked = [];
    await restore();
    expect(asked).toEqual([]);
  });

  it('gives up a slot that came back with fewer tokens', async () => {
    respond = ({ slot }) => Promise.resolve([200, { n_restored: slot === 1 ? 2 : slot + 5 }]);
    await restore();
    expect(warnings).toEqual([expect.stringMatching(/only 2 of its 6 tokens came back/)]);
    await keeper.close();
    expect((await readdir(place.folder)).filter((name) => name.endsWith('.kv'))).toHaveLength(1);
  });
});

describe('what is on disk', () => {
  it('is removed with the model, and the folder of a process that runs stays until it has ended', async () => {
    await save();
    expect(await readdir(place.folder)).not.toEqual([]);
    // Started again with the same settings, then taken out of the configuration.
    await keeper.preparePlace(model, start);
    models = new Map();
    await keeper.sweep();
    expect(await readdir(place.folder)).toEqual([]);
    await keeper.save(place, endpoint, { graceMs: 10_000, exited, note });
  });

  it('cannot be kept where there is a file in the way, which is said', async () => {
    const inTheWay = path.join(folder.path, 'file');
    await writeFile(inTheWay, '');
    const other = createKvCacheKeeper({
      defaultFolder: path.join(inTheWay, 'kv'),
      settings: () => ({ folder: undefined, maxBytes: 1 }),
      models: () => models,
      clock,
      logger,
    });
    expect(await other.preparePlace(model, start)).toBeUndefined();
    expect(warnings).toEqual([expect.stringMatching(/cannot be kept in .*ENOTDIR/)]);
  });
});
