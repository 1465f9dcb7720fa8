import fc from 'fast-check';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { diagnoseExit, type ExitFacts, type ExitKind } from '../../../electron/engine/llama/diagnose-exit.ts';

const failed: ExitFacts = { exitCode: 1, signal: null, logTail: [] };

async function recording(name: string): Promise<string[]> {
  return (await readFile(new URL(`../../fixtures/llama-logs/${name}.txt`, import.meta.url), 'utf8')).split('\n');
}

describe('diagnoseExit on recordings of build 11669', () => {
  it.each<[string, ExitKind, string]>([
    ['missing-file', 'missing-file', 'The file models/none.gguf does not exist.'],
    ['not-a-model', 'not-a-model', 'The file of m.gguf is not a complete GGUF model.'],
    ['cut-off', 'not-a-model', 'The file of m.gguf is not a complete GGUF model.'],
    [
      'unknown-architecture',
      'unsupported-model',
      'This llama-server does not know the architecture "foobar" of m.gguf.',
    ],
    ['unknown-argument', 'bad-flag', 'llama-server does not know the argument --mlock.'],
    ['bad-value', 'bad-flag', 'llama-server refused the argument -c: it wants a number.'],
    [
      'removed-argument',
      'bad-flag',
      'llama-server refused the argument --draft: the argument has been removed. use --spec-draft-n-max or --spec-ngram-mod-n-max.',
    ],
    ['port-taken', 'port-taken', 'Port 29972 of 127.0.0.1 is taken by another program.'],
    ['rpc-unreachable', 'unreachable-worker', 'The RPC worker 127.0.0.1:1 could not be reached, or went away.'],
    ['flash-attn-off', 'bad-flag', 'A quantized KV cache needs flash attention, which is switched off.'],
    ['out-of-memory-host', 'out-of-memory', 'llama-server ran out of memory while loading or running m.gguf.'],
  ])('%s', async (name, kind, summary) => {
    const diagnosis = diagnoseExit({ ...failed, logTail: await recording(name), modelFile: 'm.gguf' });
    expect(diagnosis).toMatchObject({ kind, summary });
  });

  it('calls a socket a socket', async () => {
    const { kind, summary } = diagnoseExit({ ...failed, logTail: await recording('long-socket') });
    expect(kind).toBe('port-taken');
    expect(summary).toMatch(/^llama-server could not listen on the socket a+\.sock\.$/);
  });
});

describe('diagnoseExit on what other systems say', () => {
  it.each<[string, ExitKind]>([
    [
      'ggml_backend_cuda_buffer_type_alloc_buffer: allocating 5830.00 MiB on device 1: cudaMalloc failed: out of memory',
      'out-of-memory',
    ],
    ['CUDA error: out of memory', 'out-of-memory'],
    ['ROCm error: out of memory', 'out-of-memory'],
    [
      'ggml_vulkan: Device memory allocation of size 1073741824 failed.\nggml_vulkan: vk::Device::allocateMemory: ErrorOutOfDeviceMemory',
      'out-of-memory',
    ],
    [
      'ggml_metal_graph_compute: command buffer 0 failed with status 5\nerror: Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)',
      'out-of-memory',
    ],
    ['alloc_tensor_range: failed to allocate CUDA1 buffer of size 6113198080', 'out-of-memory'],
    [
      'llama_init_from_model: failed to initialize the context: failed to allocate buffer for kv cache',
      'out-of-memory',
    ],
    ["terminate called after throwing an instance of 'std::bad_alloc'", 'out-of-memory'],
    [
      'llama-server: error while loading shared libraries: libcudart.so.12: cannot open shared object file: No such file or directory',
      'missing-library',
    ],
    ['dyld[123]: Library not loaded: @rpath/libllama.dylib\n  Referenced from: /x', 'missing-library'],
    [
      "llama-server: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by llama-server)",
      'missing-library',
    ],
    ['llama-server: symbol lookup error: llama-server: undefined symbol: llama_foo', 'missing-library'],
    ['sh: 1: ./llama-server: Exec format error', 'wrong-architecture'],
    ['CUDA error: no kernel image is available for execution on the device', 'wrong-architecture'],
    ["gguf_init_from_file: failed to open 'x.gguf': 'No such file or directory'", 'missing-file'],
    ["gguf_init_from_file: failed to open GGUF file 'x.gguf' (Permission denied)", 'missing-file'],
    [
      "llama_model_load: error loading model: error loading model vocabulary: unknown pre-tokenizer type: 'zed'",
      'unsupported-model',
    ],
    ["llama_model_load: error loading model: missing tensor 'blk.0.attn_q.weight'", 'not-a-model'],
    ['error: unknown argument: --foo', 'bad-flag'],
    ['error while handling environment variable "LLAMA_ARG_THREADS": stoi', 'bad-flag'],
    ["main: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 8080", 'port-taken'],
    ['OSError: [Errno 98] Address already in use', 'port-taken'],
  ])('%s', (log, kind) => {
    expect(diagnoseExit({ ...failed, logTail: log.split('\n') }).kind).toBe(kind);
  });

  it('prefers the cause to what follows from it', () => {
    const logTail = [
      'ggml_backend_cuda_buffer_type_alloc_buffer: allocating 8.00 MiB on device 0: cudaMalloc failed: out of memory',
      'srv    load_model: failed to load model',
    ];
    const { summary } = diagnoseExit({ exitCode: null, signal: 'SIGABRT', logTail, timedOut: true });
    expect(summary).toContain('GPU memory');
  });

  it.each<[Partial<ExitFacts>, ExitKind]>([
    [{ exitCode: null, signal: 'SIGKILL' }, 'killed'],
    [{ exitCode: 137 }, 'killed'],
    [{ exitCode: null, signal: 'SIGTERM' }, 'killed'],
    [{ exitCode: null, signal: 'SIGILL' }, 'wrong-architecture'],
    [{ exitCode: 0xc000001d }, 'wrong-architecture'],
    [{ exitCode: null, signal: 'SIGSEGV' }, 'crashed'],
    [{ exitCode: null, signal: 'SIGABRT' }, 'crashed'],
    [{ exitCode: 0xc0000005 }, 'crashed'],
    [{ exitCode: -1073741819 }, 'crashed'],
    [{ exitCode: 0xc0000135 }, 'missing-library'],
    [{ exitCode: -1073741515 }, 'missing-library'],
    [{ exitCode: 126 }, 'not-executable'],
    [{ exitCode: 127 }, 'missing-file'],
    [{ exitCode: 0 }, 'exited'],
    [{ exitCode: 3 }, 'exited'],
    [{ exitCode: null, signal: 'SIGKILL', timedOut: true }, 'timed-out'],
    [{ exitCode: null, spawnErrorCode: 'ENOENT' }, 'missing-file'],
    [{ exitCode: null, spawnErrorCode: 'EACCES' }, 'not-executable'],
    [{ exitCode: null, spawnErrorCode: 'ENOEXEC' }, 'wrong-architecture'],
    [{ exitCode: null, spawnErrorCode: 'UNKNOWN' }, 'wrong-architecture'],
    [{ exitCode: null, spawnErrorCode: 'EMFILE' }, 'crashed'],
  ])('%j', (facts, kind) => {
    expect(diagnoseExit({ ...failed, ...facts }).kind).toBe(kind);
  });

  it('always says a sentence and what to do', () => {
    const facts = fc.record({
      exitCode: fc.option(fc.integer()),
      signal: fc.option(fc.constantFrom('SIGKILL', 'SIGBUS', 'SIGHUP')),
      logTail: fc.array(fc.string()),
      timedOut: fc.boolean(),
    });
    fc.assert(
      fc.property(facts, (exit) => {
        const { summary, advice } = diagnoseExit(exit);
        expect(summary).toMatch(/\.$/);
        expect(advice).toMatch(/\.$/);
      }),
    );
  });
});
