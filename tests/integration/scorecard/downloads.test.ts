import { readdir, readFile, readlink, stat, statfs, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDownloads, type DownloadsOptions } from '../../../electron/engine/catalog/downloads/open-downloads.ts';
import { defaultRetries } from '../../../electron/engine/catalog/downloads/fetch-file.ts';
import type { DownloadService } from '../../../electron/engine/catalog/downloads/download-service-contract.ts';
import {
  defaultCommit,
  sha256,
  startHuggingFaceOrigin,
  type HubFaults,
  type HubRequest,
  type HuggingFaceOrigin,
} from '../../fakes/hugging-face-origin.ts';
import { createTestFolder, eventually, type TestFolder } from '../support/corral.ts';
import { form, scaled } from '../support/scale.ts';
import { createSeededRandom } from '../support/seeded-random.ts';

const random = createSeededRandom(20_260_101);
const model = bytesOf(1_500_000);
const modelDigest = sha256(model);
const TOKEN = 'hf_canaryToken0123456789';

let hub: HuggingFaceOrigin;
let folder: TestFolder;
let services: DownloadService[];

function bytesOf(count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, () => Math.floor(random() * 256)));
}

function open(more: Partial<DownloadsOptions> = {}): DownloadService {
  const service = openDownloads({
    env: {},
    homeFolder: folder.path,
    dataFolder: folder.path,
    version: '0.0.0-test',
    logger: { log: () => undefined },
    origin: () => hub.url,
    timeouts: { connectMs: 2000, stallMs: 300 },
    retries: { most: 6, firstDelayMs: 5, longestDelayMs: 20 },
    ...more,
  });
  services.push(service);
  return service;
}

async function pull(service: DownloadService, source = 'user/repo'): Promise<string> {
  const { files } = await service.wait(service.start(source).id);
  return files[0] ?? '';
}

/** Applies to answers of the second host with bytes of the file, counted from 0. */
function faultsOfAnswer(decide: (answer: number, request: HubRequest) => HubFaults): void {
  let answers = 0;
  hub.faults = (request) => {
    if (request.host !== 'files') return {};
    answers += 1;
    return decide(answers - 1, request);
  };
}

function answersWithBytes(): readonly HubRequest[] {
  return hub.requests.filter(({ host }) => host === 'files');
}

const repoPath = (): string => path.join(folder.path, '.cache/huggingface/hub/models--user--repo');

/** All files below a folder, by their path in it; none if it is missing. */
async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .sort();
}

beforeEach(async () => {
  folder = await createTestFolder();
  services = [];
  hub = await startHuggingFaceOrigin({ 'user/repo': { files: { 'model-Q4_K_M.gguf': model } } });
});

afterEach(async () => {
  await Promise.all(services.map((service) => service.close()));
  await hub.close();
  await folder.dispose();
});

describe('downloads from Hugging Face', () => {
  it('are laid out as its own tools do', async () => {
    hub.repos.set('user/repo', {
      files: {
        'Q4_K_M/model-Q4_K_M-00001-of-00002.gguf': bytesOf(3000),
        'Q4_K_M/model-Q4_K_M-00002-of-00002.gguf': bytesOf(2000),
        'model-Q8_0.gguf': bytesOf(6000),
        'mmproj-F16.gguf': bytesOf(500),
        'mmproj-BF16.gguf': bytesOf(400),
      },
    });
    const service = open();
    const pulled = await service.wait(service.start('user/repo').id);

    const snapshot = path.join(repoPath(), 'snapshots', defaultCommit);
    expect(pulled).toEqual({
      files: [1, 2].map((part) => path.join(snapshot, 'Q4_K_M', `model-Q4_K_M-0000${part}-of-00002.gguf`)),
      mmproj: path.join(snapshot, 'mmproj-BF16.gguf'),
    });
    expect(await readFile(path.join(repoPath(), 'refs/main'), 'utf8')).toBe(defaultCommit);
    expect((await filesBelow(path.join(repoPath(), 'blobs'))).every((name) => /^[0-9a-f]{64}$/.test(name))).toBe(true);
    if (process.platform !== 'win32') {
      expect(await readlink(pulled.files[0] ?? '')).toMatch(/^\.\.\/\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/);
    }
    expect(sha256(await readFile(pulled.files[1] ?? ''))).toBe(
      sha256(hub.repos.get('user/repo')?.files['Q4_K_M/model-Q4_K_M-00002-of-00002.gguf'] ?? new Uint8Array()),
    );
    expect(service.list()).toMatchObject([
      { state: 'finished', quant: 'Q4_K_M', receivedBytes: 5400, totalBytes: 5400 },
    ]);
  });

  const cuts = scaled({ short: 20, long: 200 });

  it(`D1 cut at ${cuts} random bytes → resumes, the digest is right ${form}`, { timeout: 400_000 }, async () => {
    for (let count = 0; count < cuts; count += 1) {
      const at = Math.floor(random() * model.length);
      const name = `user/cut-${count}`;
      hub.repos.set(name, { files: { 'model-Q4_K_M.gguf': model } });
      faultsOfAnswer((answer) => (answer === 0 ? { cutAfterBytes: at } : {}));
      const before = hub.requests.length;
      const service = open();
      expect(sha256(await readFile(await pull(service, name))), `cut at ${at}`).toBe(modelDigest);
      await service.close();
      const [first, second, ...more] = hub.requests.slice(before).filter(({ host }) => host === 'files');
      expect([first?.range, more]).toEqual([undefined, []]);
      // What the system had not handed over yet when the connection broke is asked for again.
      const from = Number(/^bytes=(\d+)-$/.exec(second?.range ?? 'bytes=0-')?.[1]);
      expect(from).toBeLessThanOrEqual(at);
      expect(from).toBeGreaterThan(at - 200_000);
    }
  });

  it(
    `D1 one download cut ${cuts} times, and once with the process that fetched it → the digest is right`,
    { timeout: 400_000 },
    async () => {
      const pieceBytes = Math.floor(model.length / cuts);
      faultsOfAnswer((answer) => (answer < cuts / 2 ? { cutAfterBytes: pieceBytes } : { stallAfterBytes: pieceBytes }));
      const first = open({ timeouts: { connectMs: 2000, stallMs: 30_000 } });
      first.start('user/repo');
      await eventually('it stalls', () => answersWithBytes().length > cuts / 2, 200_000);
      await first.close();
      const arrived = (await stat(path.join(repoPath(), 'blobs', `${modelDigest}.incomplete`))).size;
      expect(arrived).toBeGreaterThan(model.length / 3);

      hub.faults = () => ({});
      const second = open();
      await second.restore();
      const [view] = second.list();
      const { files } = await second.wait(view?.id ?? '');
      expect(sha256(await readFile(files[0] ?? ''))).toBe(modelDigest);
      expect(answersWithBytes().at(-1)).toMatchObject({ range: expect.stringMatching(/^bytes=[1-9]/) as string });
      await second.close();
      expect(JSON.parse(await readFile(path.join(folder.path, 'downloads.json'), 'utf8'))).toMatchObject({
        downloads: [],
      });
    },
  );

  it('D2 one bit is flipped, the size is the same → never loadable, deleted and said', async () => {
    for (const flipBit of [0, 4_000_003, model.length * 8 - 1]) {
      faultsOfAnswer(() => ({ flipBit }));
      await expect(pull(open())).rejects.toMatchObject({
        code: 'download-failed',
        details: { reason: 'digest' },
        message: expect.stringContaining('damaged') as string,
      });
      expect(await filesBelow(repoPath())).toEqual([]);
    }
    hub.faults = () => ({});
    expect(sha256(await readFile(await pull(open())))).toBe(modelDigest);
  });

  it('D2 one bit of what is on disk already is flipped → never loadable', async () => {
    faultsOfAnswer((answer) => (answer === 0 ? { cutAfterBytes: 700_000 } : { stallAfterBytes: 0 }));
    const first = open();
    first.start('user/repo');
    await eventually('it stalls', () => answersWithBytes().length > 1);
    await first.close();
    const part = path.join(repoPath(), 'blobs', `${modelDigest}.incomplete`);
    const damaged = await readFile(part);
    damaged[1234] = (damaged[1234] ?? 0) ^ 1;
    await writeFile(part, damaged);
    hub.faults = () => ({});
    await expect(pull(open())).rejects.toMatchObject({ details: { reason: 'digest' } });
    expect(await filesBelow(repoPath())).toEqual([]);
  });

  describe('D3 a server that goes on with something else → nothing is spliced', () => {
    const misbehaviours: Readonly<Record<string, HubFaults>> = {
      'another ETag': { etag: '"another"' },
      'another ETag, and bytes from the middle all the same': {
        etag: '"another"',
        wrongOffset: 500_000,
        headers: { etag: '"another"' },
      },
      '200 for 206': { ignoresRange: true },
      'bytes from elsewhere': { wrongOffset: 400_000 },
      '416': { status: 416 },
    };
    it.each(Object.entries(misbehaviours))('%s', async (_name, faults) => {
      // The first answer breaks off, the second misbehaves.
      faultsOfAnswer((answer) => {
        if (answer === 0) return { cutAfterBytes: 500_000 };
        return answer === 1 ? faults : {};
      });
      expect(sha256(await readFile(await pull(open())))).toBe(modelDigest);
      expect(answersWithBytes()[1]).toMatchObject({ range: 'bytes=500000-', ifRange: expect.any(String) as string });
    });

    it('the repository now has another file by that name', async () => {
      faultsOfAnswer(() => ({ cutAfterBytes: 500_000 }));
      const first = open({ retries: { most: 1, firstDelayMs: 5, longestDelayMs: 5 } });
      const { id } = first.start('user/repo');
      await eventually('half of it is there', () => (first.list()[0]?.receivedBytes ?? 0) >= 500_000);
      first.pause(id);
      hub.repos.set('user/repo', { files: { 'model-Q4_K_M.gguf': bytesOf(model.length) } });
      hub.faults = () => ({});
      await expect(pull(first)).rejects.toMatchObject({ details: { reason: 'digest' } });
      expect((await filesBelow(repoPath())).filter((name) => !name.endsWith('.incomplete'))).toEqual([]);
    });
  });

  /** In the long form what a person has. */
  const patience = scaled<Partial<DownloadsOptions>>({
    short: { timeouts: { connectMs: 2000, stallMs: 300 } },
    long: { timeouts: { connectMs: 15_000, stallMs: 25_000 }, retries: defaultRetries },
  });

  it(
    `D4 stall → tried again in ${scaled({ short: '≤ 2', long: '≤ 35' })} s, ≤ 6 times ${form}`,
    { timeout: 400_000 },
    async () => {
      const askedAtMs: number[] = [];
      faultsOfAnswer(() => {
        askedAtMs.push(performance.now());
        return { stallAfterBytes: askedAtMs.length === 1 ? 100_000 : 0 };
      });
      const service = open(patience);
      await expect(pull(service)).rejects.toMatchObject({ details: { reason: 'interrupted' } });
      expect(askedAtMs).toHaveLength(7);
      const waits = askedAtMs.slice(1).map((atMs, index) => atMs - (askedAtMs[index] ?? 0));
      expect(Math.max(...waits)).toBeLessThan(scaled({ short: 2000, long: 35_000 }));
      expect((await stat(path.join(repoPath(), 'blobs', `${modelDigest}.incomplete`))).size).toBe(100_000);

      hub.faults = () => ({});
      expect(sha256(await readFile(await pull(service)))).toBe(modelDigest);
      expect(answersWithBytes().at(-1)?.range).toBe('bytes=100000-');
    },
  );

  it('D5 a small disk → refused up front', async () => {
    const service = open({ freeDiskBytes: () => Promise.resolve(256 * 2 ** 20 + model.length - 1) });
    await expect(pull(service)).rejects.toMatchObject({
      details: { reason: 'disk-full' },
      message: expect.stringMatching(/1\.5 MB are needed.*HF_HUB_CACHE/) as string,
    });
    expect(answersWithBytes()).toEqual([]);
    expect(await filesBelow(repoPath())).toEqual([]);
    // What is there already need not be written again.
    const { bavail, bsize } = await statfs(folder.path);
    expect(bavail * bsize).toBeGreaterThan(0);
    const enough = open({ freeDiskBytes: () => Promise.resolve(256 * 2 ** 20 + model.length) });
    expect(sha256(await readFile(await pull(enough)))).toBe(modelDigest);
    const full = open({ freeDiskBytes: () => Promise.resolve(0) });
    expect(sha256(await readFile(await pull(full)))).toBe(modelDigest);
  });

  it('D6 50 hostile names → nothing is written outside of the cache', async () => {
    const names = [
      ...['../x', '../../../../x', 'a/../../x', '/etc/x', '//host/x', 'C:x', 'C:\\x', 'c:/x', '..\\x', '\\\\host\\x'],
      ...['a\0b', 'a\nb', 'a/./b', './b', 'a//b', '.', '..', '', ' ', 'a/ ', ' a', 'a.', 'a/..', 'x:stream', 'a?b'],
      ...['CON', 'con', 'NUL', 'nul.txt', 'COM1', 'LPT9.x', 'AUX', 'PRN', 'a/NUL/b', 'a*', 'a<b', 'a>b', 'a|b', 'a"b'],
      ...['~/x', '%2e%2e/x', '..%2fx', '.../x', '. ./x', 'a\u007fb', 'x'.repeat(300), 'a/'.repeat(600), '\u001b[2Jx'],
      ...['..\u2215x', '\ufeff/../x', 'a/\r\n/x'],
    ].map((name) => `${name}.gguf`);
    names.push('../../../escape-Q4_K_M.gguf', 'C:/Windows/escape-Q4_K_M.gguf');
    expect(names.length).toBeGreaterThanOrEqual(50);
    hub.repos.set('user/repo', { files: {}, listedOnly: names.map((rfilename) => ({ rfilename })) });
    const before = await filesBelow(folder.path);
    for (const name of ['user/repo', ...names.map((each) => `user/repo/${each}`)]) {
      await pull(open({ retries: { most: 0, firstDelayMs: 1, longestDelayMs: 1 } }), name).catch(() => undefined);
    }
    // Digests and commits become names of files too.
    hub.repos.set('user/repo', { files: {}, listedOnly: [{ rfilename: 'm-Q4_K_M.gguf', sha256: '../../../../x' }] });
    await expect(pull(open())).rejects.toMatchObject({ code: 'not-found' });
    hub.repos.set('user/repo', { files: { 'm-Q4_K_M.gguf': model }, commit: '../../../../x' });
    await expect(pull(open())).rejects.toMatchObject({ details: { reason: 'bad-answer' } });
    for (const repo of ['../..', '../../x', 'user/..', 'user/repo/../..', 'a--b/c', 'user/CON', '/user/repo', 'C:/x']) {
      expect(() => open().start(repo)).toThrow(expect.objectContaining({ code: 'invalid-request' }));
    }
    await Promise.all(services.map((service) => service.close()));
    expect(
      (await filesBelow(folder.path)).filter((name) => !name.startsWith('.cache/huggingface/hub/models--')),
    ).toEqual([...before, 'downloads.json']);
    expect(await filesBelow(repoPath())).toEqual([]);
  });

  describe('D7 redirects', () => {
    it('the token goes to no other host', async () => {
      hub.repos.set('user/repo', { files: { 'model-Q4_K_M.gguf': model }, token: TOKEN, isGated: true });
      const service = open({ env: { HF_TOKEN: TOKEN } });
      expect(sha256(await readFile(await pull(service)))).toBe(modelDigest);
      expect(hub.requests.filter(({ host }) => host === 'hub').map(({ authorization }) => authorization)).toEqual([
        `Bearer ${TOKEN}`,
        `Bearer ${TOKEN}`,
      ]);
      expect(answersWithBytes().map(({ authorization }) => authorization)).toEqual([undefined]);
      expect(JSON.stringify(service.list())).not.toContain(TOKEN);
      expect(await readFile(path.join(folder.path, 'downloads.json'), 'utf8')).not.toContain(TOKEN);
    });

    it.each([
      'http://169.254.169.254/latest',
      'http://[fe80::1]/x',
      'ftp://127.0.0.1/x',
      'file:///etc/passwd',
      'http://',
    ])('to %s are refused', async (redirectTo) => {
      hub.faults = () => ({ redirectTo });
      await expect(pull(open({ env: { HF_TOKEN: TOKEN } }))).rejects.toMatchObject({ details: { reason: 'redirect' } });
      expect(await filesBelow(repoPath())).toEqual([]);
    });

    it('in a circle end', async () => {
      const circle = createServer((message, response) => {
        response.writeHead(302, { location: `http://${message.headers.host ?? ''}/again` }).end();
      });
      await new Promise<void>((resolve) => circle.listen(0, '127.0.0.1', resolve));
      const address = circle.address() as { port: number };
      hub.faults = () => ({ redirectTo: `http://127.0.0.1:${address.port}/` });
      await expect(pull(open())).rejects.toMatchObject({ details: { reason: 'redirect' } });
      await new Promise((resolve) => circle.close(resolve));
    });
  });

  it('D9 the same file twice → one fetch', async () => {
    hub.repos.set('user/repo', {
      files: { 'm-Q4_K_M.gguf': model, 'm-Q8_0.gguf': bytesOf(50_000), 'mmproj-F16.gguf': bytesOf(300_000) },
    });
    hub.faults = ({ host }) => (host === 'files' ? { delayMs: 5 } : {});
    const service = open();
    const [first, second, third] = await Promise.all([
      pull(service, 'user/repo:Q4_K_M'),
      pull(service, 'user/repo:q4_k_m'),
      pull(service, 'user/repo:Q8_0'),
    ]);
    expect(first).toBe(second);
    expect(third).toContain('Q8_0');
    expect(
      answersWithBytes()
        .map(({ path: asked }) => asked)
        .sort(),
    ).toEqual(['/user/repo/m-Q4_K_M.gguf', '/user/repo/m-Q8_0.gguf', '/user/repo/mmproj-F16.gguf']);
    // Nor is what is there fetched again, not even by another Corral.
    await pull(open(), 'user/repo:Q4_K_M');
    expect(answersWithBytes()).toHaveLength(3);
  });

  it('D9 two programs at once → one fetches, the other finds it', async () => {
    hub.faults = ({ host }) => (host === 'files' ? { delayMs: 20 } : {});
    const [first, second] = [open(), open({ retries: { most: 200, firstDelayMs: 20, longestDelayMs: 20 } })];
    const { id } = first.start('user/repo');
    await eventually('the first has begun', () => answersWithBytes().length === 1);
    expect(await pull(second)).toBe((await first.wait(id)).files[0]);
    expect(answersWithBytes()).toHaveLength(1);
    expect(await filesBelow(path.join(repoPath(), 'blobs'))).toEqual([modelDigest]);
  });

  it('can be paused, resumed and cancelled', async () => {
    hub.faults = ({ host }) => (host === 'files' ? { delayMs: 30 } : {});
    const service = open();
    const { id } = service.start('user/repo');
    await eventually('some of it is there', () => (service.list()[0]?.receivedBytes ?? 0) > 200_000);
    expect(service.pause(id)).toMatchObject({ state: 'paused', bytesPerSecond: null });
    await expect(service.wait(id)).rejects.toMatchObject({ code: 'conflict' });
    const askedSoFar = answersWithBytes().length;
    await service.close();

    const next = open();
    await next.restore();
    expect(next.list()).toMatchObject([{ id, state: 'paused' }]);
    expect(next.list()[0]?.receivedBytes).toBeGreaterThan(200_000);
    expect(answersWithBytes()).toHaveLength(askedSoFar);
    next.resume(id);
    await eventually('it goes on', () => answersWithBytes().length > askedSoFar);
    expect(answersWithBytes().at(-1)?.range).toMatch(/^bytes=[1-9]/);
    await next.cancel(id);
    expect(next.list()).toEqual([]);
    expect(await filesBelow(repoPath())).toEqual([]);
    await expect(next.wait(id)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('says what to do about a gated repository, and one that is not there', async () => {
    hub.repos.set('user/repo', { files: { 'model-Q4_K_M.gguf': model }, token: TOKEN, isGated: true });
    await expect(pull(open())).rejects.toMatchObject({
      details: { reason: 'gated' },
      message: expect.stringMatching(/terms must be accepted.*\/user\/repo.*HF_TOKEN/) as string,
    });
    await expect(pull(open({ env: { HF_TOKEN: 'hf_other' } }))).rejects.toMatchObject({ details: { reason: 'gated' } });
    await expect(pull(open(), 'user/none')).rejects.toMatchObject({
      details: { reason: 'token' },
      message: expect.stringContaining('Check its name') as string,
    });
    await expect(pull(open({ env: { HF_TOKEN: TOKEN } }), 'user/repo:Q2_K')).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('It has: Q4_K_M') as string,
    });
  });

  it('waits as long as a busy server asks it to', async () => {
    let isBusy = true;
    hub.faults = () => {
      const wasBusy = isBusy;
      isBusy = false;
      return wasBusy ? { status: 503 } : {};
    };
    expect(sha256(await readFile(await pull(open())))).toBe(modelDigest);
  });
});
