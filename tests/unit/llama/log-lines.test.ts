import fc from 'fast-check';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseLogLine, stripLogPrefix, type LogFact } from '../../../electron/engine/llama/log-lines.ts';

const MIB = 1024 * 1024;

async function factsOf(name: string): Promise<LogFact[]> {
  const text = await readFile(new URL(`../../fixtures/llama-logs/${name}.txt`, import.meta.url), 'utf8');
  return text.split('\n').flatMap((line) => parseLogLine(line) ?? []);
}

describe('parseLogLine on recordings of build 11669', () => {
  it('finds memory and readiness at verbosity 4', async () => {
    const host = { device: 'Host', totalBytes: undefined, freeBytes: undefined, selfBytes: 10 * MIB };
    const breakdown = { kind: 'breakdown', ...host, modelBytes: MIB, contextBytes: 2 * MIB, computeBytes: 5 * MIB };
    expect(await factsOf('ready-trace')).toEqual([
      breakdown,
      expect.objectContaining({ kind: 'projected', where: 'host', neededBytes: 10 * MIB }),
      { kind: 'buffer', part: 'model', device: 'CPU_Mapped', sizeBytes: Math.round(1.97 * MIB) },
      { kind: 'buffer', part: 'output', device: 'CPU', sizeBytes: 0 },
      { kind: 'buffer', part: 'kv', device: 'CPU', sizeBytes: 2.25 * MIB },
      { kind: 'buffer', part: 'compute', device: 'CPU', sizeBytes: Math.round(5.96 * MIB) },
      { kind: 'ready', address: 'http://127.0.0.1:29971' },
      breakdown,
    ]);
  });

  it('finds readiness on a socket', async () => {
    expect(await factsOf('ready-socket')).toEqual([{ kind: 'ready', address: 'unix://corral.sock' }]);
  });

  it.each([
    'missing-file',
    'not-a-model',
    'cut-off',
    'unknown-architecture',
    'unknown-argument',
    'bad-value',
    'removed-argument',
    'port-taken',
    'long-socket',
    'flash-attn-off',
    'out-of-memory-host',
  ])('finds that %s is fatal and nothing is ready', async (name) => {
    const kinds = new Set((await factsOf(name)).map((fact) => fact.kind));
    expect([...kinds]).toEqual(['fatal']);
  });
});

describe('parseLogLine on other builds and devices', () => {
  it.each<[string, LogFact | undefined]>([
    [
      'main: server is listening on http://127.0.0.1:8080 - starting the main loop',
      { kind: 'ready', address: 'http://127.0.0.1:8080' },
    ],
    ['srv          main: server is listening on http://0.0.0.0:80', { kind: 'ready', address: 'http://0.0.0.0:80' }],
    ['main: HTTP server is listening, hostname: 127.0.0.1, port: 8080, http threads: 7', undefined],
    [
      '0.00.039.839 \u001b[32mI\u001b[0m srv  llama_server: listening on http://127.0.0.1:1',
      { kind: 'ready', address: 'http://127.0.0.1:1' },
    ],
    ['.'.repeat(45), { kind: 'progress', progress: 0.45 }],
    ['.'.repeat(101), { kind: 'progress', progress: 1 }],
    [
      'load_tensors:        CUDA0 model buffer size =  4096.00 MiB',
      { kind: 'buffer', part: 'model', device: 'CUDA0', sizeBytes: 4096 * MIB },
    ],
    [
      'llama_kv_cache_init:      CUDA0 KV buffer size =   512.00 MiB',
      { kind: 'buffer', part: 'kv', device: 'CUDA0', sizeBytes: 512 * MIB },
    ],
    [
      'llama_context:  CUDA_Host  output buffer size =     0.58 MiB',
      { kind: 'buffer', part: 'output', device: 'CUDA_Host', sizeBytes: Math.round(0.58 * MIB) },
    ],
    [
      'llama_params_fit_impl: projected to use 3635 MiB of device memory vs. 5150 MiB of free device memory',
      { kind: 'projected', where: 'device', neededBytes: 3635 * MIB, availableBytes: 5150 * MIB },
    ],
    [
      'common_memory_breakdown_print: |   - CUDA0 (NVIDIA GeForce RTX 4090) | 24080 = 18000 + (5432 = 4600 +     512 +     320) +         648 |',
      {
        kind: 'breakdown',
        device: 'CUDA0',
        totalBytes: 24080 * MIB,
        freeBytes: 18000 * MIB,
        selfBytes: 5432 * MIB,
        modelBytes: 4600 * MIB,
        contextBytes: 512 * MIB,
        computeBytes: 320 * MIB,
      },
    ],
    [
      'common_memory_breakdown_print: |   - Vulkan0 (AMD (RADV)) | 32624 = 32104 + (27461 = 20861 + 6077 + 522) + -26942 |',
      {
        kind: 'breakdown',
        device: 'Vulkan0',
        totalBytes: 32624 * MIB,
        freeBytes: 32104 * MIB,
        selfBytes: 27461 * MIB,
        modelBytes: 20861 * MIB,
        contextBytes: 6077 * MIB,
        computeBytes: 522 * MIB,
      },
    ],
    [
      'srv    load_model: [mtmd] estimated worst-case memory usage of mmproj is 929.95 MiB (took 20.01 ms)',
      { kind: 'projector', sizeBytes: Math.round(929.95 * MIB) },
    ],
    [
      'reserve_compute_meta:        CPU compute buffer size =     2.62 MiB',
      { kind: 'buffer', part: 'projector', device: 'CPU', sizeBytes: Math.round(2.62 * MIB) },
    ],
    ['srv  update_slots: all slots are idle', undefined],
    ['', undefined],
  ])('reads %j', (line, fact) => {
    expect(parseLogLine(line)).toEqual(fact);
  });

  it('never throws and takes no user text for readiness', () => {
    fc.assert(fc.property(fc.string(), (line) => parseLogLine(`prompt: ${line}`)?.kind !== 'ready'));
    expect(stripLogPrefix('0.00.015.624 E gguf_init: x ')).toBe('gguf_init: x');
  });
});
