import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { FileModelConfig } from '../../../electron/engine/config/resolved-config.ts';
import { parseHelp } from '../../../electron/engine/llama/capabilities.ts';
import { buildLlamaCommandLine } from '../../../electron/engine/llama/command-line.ts';
import { translateArgs } from '../../../electron/engine/llama/translate-args.ts';
import { fileModelConfig } from '../../fakes/model-config.ts';

const read = async (name: string) =>
  parseHelp(await readFile(new URL(`../../fixtures/llama-help/${name}.txt`, import.meta.url), 'utf8'), '');
const today = await read('build-11669');
const older = await read('build-4600-reconstruction');
const oldest = await read('build-2500-reconstruction');

const plain = fileModelConfig('qwen', { file: '/models/q.gguf' });

const socket = { kind: 'socket', path: '/run/a.sock' } as const;

function build(model: Partial<FileModelConfig>, capabilities = today) {
  return buildLlamaCommandLine({ model: { ...plain, ...model }, listen: socket, capabilities });
}

/** What a setting adds to the command line of a plain model. */
function added(model: Partial<FileModelConfig>, capabilities = today): string {
  const before = build({}, capabilities).args;
  const { args } = build(model, capabilities);
  let head = 0;
  while (head < before.length && before[head] === args[head]) head += 1;
  let tail = 0;
  while (tail < before.length - head && before.at(-1 - tail) === args.at(-1 - tail)) tail += 1;
  return args.slice(head, args.length - tail).join(' ');
}

describe('buildLlamaCommandLine', () => {
  it('runs a plain model privately, with what Corral reads switched on', () => {
    expect(build({})).toEqual({
      args: [
        ...['--model', '/models/q.gguf', '--host', '/run/a.sock', '--alias', 'qwen'],
        ...['--no-ui', '--metrics', '--slots', '--log-colors', 'off', '--log-verbosity', '4'],
      ],
      env: {},
      warnings: [],
    });
  });

  it('says the same in the words of older builds', () => {
    expect(build({}, older).args.slice(6)).toEqual(['--no-webui', '--metrics', '--slots']);
    expect(build({}, oldest).args.slice(6)).toEqual(['--metrics']);
    const unreadable = parseHelp('', '');
    expect(build({ embeddings: true }, unreadable).args).toContain('--embeddings');
  });

  it('listens on TCP', () => {
    const listen = { kind: 'tcp', host: '127.0.0.1', port: 4711 } as const;
    const { args } = buildLlamaCommandLine({ model: plain, listen, capabilities: today });
    expect(args.slice(2, 6)).toEqual(['--host', '127.0.0.1', '--port', '4711']);
  });

  it.each<[Partial<FileModelConfig>, string, string]>([
    [{ contextSize: 8192 }, '--ctx-size 8192', '--ctx-size 8192'],
    [{ gpuLayers: 20 }, '--n-gpu-layers 20', '--n-gpu-layers 20'],
    [{ gpuLayers: 'all' }, '--n-gpu-layers 999', '--n-gpu-layers 999'],
    [{ gpuLayers: 'auto' }, '', ''],
    [{ parallel: 2 }, '--parallel 2', '--parallel 2'],
    [{ embeddings: true, pooling: 'mean' }, '--embeddings --pooling mean', '--embeddings --pooling mean'],
    [{ rerank: true }, '--reranking', '--reranking'],
    [{ devices: ['CUDA0', 'CUDA1'] }, '--device CUDA0,CUDA1', '--device CUDA0,CUDA1'],
    [{ kvCacheType: 'f16' }, '--cache-type-k f16 --cache-type-v f16', '--cache-type-k f16 --cache-type-v f16'],
    [
      { kvCacheType: 'q8_0' },
      '--cache-type-k q8_0 --cache-type-v q8_0 --flash-attn on',
      '--cache-type-k q8_0 --cache-type-v q8_0 --flash-attn',
    ],
  ])('translates %j', (model, expectedToday, expectedOlder) => {
    expect(added(model)).toBe(expectedToday);
    expect(added(model, older)).toBe(expectedOlder);
    expect(build(model).warnings).toEqual([]);
    expect(build(model, older).warnings).toEqual([]);
  });

  it('spreads a model over RPC workers, and leaves to llama-server what goes where', () => {
    const placement = { devices: ['CUDA0'], split: [], isSubset: true };
    const rpc = ['10.0.0.5:50052', '10.0.0.6:50052'];
    expect(added({ rpc })).toBe('--rpc 10.0.0.5:50052,10.0.0.6:50052');
    const { args, warnings } = buildLlamaCommandLine({
      model: { ...plain, rpc },
      listen: { kind: 'socket', path: '/run/x.sock' },
      capabilities: today,
      placement,
    });
    expect(args.join(' ')).not.toContain('--device');
    expect(warnings).toEqual([]);
    expect(added({ rpc, devices: ['CUDA0', 'RPC0'] })).toContain('--device CUDA0,RPC0');
    expect(build({ rpc }, oldest).warnings).toEqual(['This build of llama-server has no --rpc; `rpc` was left out.']);
  });

  it('leaves out what the build has no flag for, and says so', () => {
    const { args, warnings } = build({ devices: ['CUDA0'], rerank: true }, oldest);
    expect(args.join(' ')).not.toMatch(/device|rerank/);
    expect(warnings).toEqual([
      'This build of llama-server has no --reranking; `rerank` was left out.',
      'This build of llama-server has no --device; `devices` was left out.',
    ]);
  });

  it('passes ids with a leading dash as a value, and leaves out ids that would become several aliases', () => {
    expect(build({ id: '-x' }).args.slice(4, 6)).toEqual(['--alias', '-x']);
    expect(build({ id: 'a,b' }).args).not.toContain('--alias');
  });

  it('puts the arguments of the user last and keeps the address for itself', () => {
    const { args, warnings } = build({ args: ['--port', '80', '--jinja', '--api-key=x', '-c', '99'], contextSize: 1 });
    expect(args.slice(-3)).toEqual(['--jinja', '-c', '99']);
    expect(args).not.toContain('80');
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).not.toContain('=x');
  });

  it('has slots saved where the build can, and keeps them where they can be saved', () => {
    const kept = { ...plain, keepKvCache: true };
    const lineOf = (capabilities: typeof today, args: string[] = []) =>
      buildLlamaCommandLine({ model: { ...kept, args }, listen: socket, capabilities, kvCacheFolder: '/kv' });
    expect(lineOf(today).args.join(' ')).toContain('--slot-save-path /kv --no-cache-idle-slots');
    expect(lineOf(parseHelp('', '')).args).not.toContain('--no-cache-idle-slots');
    expect(lineOf(oldest).args).not.toContain('/kv');
    expect(lineOf(oldest).warnings).toEqual([
      'This build of llama-server has no --slot-save-path; `keepKvCache` was left out.',
    ]);
    // A folder of the user's own is theirs to use where Corral does not.
    expect(lineOf(today, ['--slot-save-path', '/mine']).args).not.toContain('/mine');
    expect(build({ args: ['--slot-save-path', '/mine'] }).args).toContain('/mine');
  });

  it('hands on the environment of the model and never a key', () => {
    expect(build({ env: { A: '1' } }).env).toEqual({ A: '1' });
    expect(build({}).args.join(' ')).not.toContain('api-key');
  });
});

describe('translateArgs', () => {
  it.each([
    ['--no-mmap', '--load-mode none', '--no-mmap'],
    ['--mlock', '--load-mode mmap+mlock', '--mlock'],
    ['--mlock --no-mmap', '--load-mode mlock', '--mlock --no-mmap'],
    ['-dio', '--load-mode dio', '-dio'],
    ['--mmap', '', ''],
    ['--load-mode none', '--load-mode none', '--no-mmap'],
    ['-lm mlock', '-lm mlock', '--no-mmap --mlock'],
    ['--load-mode mmap+mlock', '--load-mode mmap+mlock', '--mlock'],
    ['--load-mode auto', '--load-mode auto', ''],
    ['-fa', '-fa on', '-fa'],
    ['-fa --jinja', '-fa on --jinja', '-fa --jinja'],
    ['-fa on --jinja', '-fa on --jinja', '-fa --jinja'],
    ['--flash-attn off', '--flash-attn off', ''],
    ['--log-colors', '--log-colors on', '--log-colors'],
    ['--no-ui', '--no-ui', '--no-webui'],
    ['--draft-max 8', '--spec-draft-n-max 8', '--draft-max 8'],
    ['--draft 8 --draft-min 2', '--spec-draft-n-max 8 --spec-draft-n-min 2', '--draft 8 --draft-min 2'],
    ['--spec-draft-n-max 8', '--spec-draft-n-max 8', '--draft-max 8'],
    ['--spec-draft-model d.gguf -t 4', '--spec-draft-model d.gguf -t 4', '--model-draft d.gguf -t 4'],
    ['--threads=4', '--threads 4', '--threads 4'],
    ['--alias --mlock', '--alias --mlock', '--alias --mlock'],
    ['--surely-not 5 --jinja', '--surely-not 5 --jinja', '--surely-not 5 --jinja'],
  ])('writes %j for today and for an older build', (written, expectedToday, expectedOlder) => {
    const args = written.split(' ');
    const forToday = translateArgs(args, today);
    expect(forToday.args.join(' ')).toBe(expectedToday);
    expect(forToday.warnings.length > 0).toBe(expectedToday !== written || written.includes('surely'));
    // --mmap and direct I/O have no flag of their own in build 4600.
    if (written !== '-dio') expect(translateArgs(args, older).args.join(' ')).toBe(expectedOlder);
  });

  it('is stable: what it wrote it leaves alone', () => {
    for (const capabilities of [today, older]) {
      for (const args of [
        ['--mlock', '-fa', '--draft', '8'],
        ['--load-mode', 'none', '-fa', 'on', '--no-ui'],
      ]) {
        const once = translateArgs(args, capabilities).args;
        expect(translateArgs(once, capabilities)).toEqual({ args: once, warnings: [] });
      }
    }
  });

  it('touches nothing when the help could not be read', () => {
    const args = ['--mlock', '-fa', '--x=y'];
    expect(translateArgs(args, parseHelp('', ''))).toEqual({ args, warnings: [] });
  });
});
