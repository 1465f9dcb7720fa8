import { stripLogPrefix } from './log-lines.ts';

/** Why a model's process ended, in words for people. Pure. */

export type ExitKind =
  | 'out-of-memory'
  | 'wrong-architecture'
  | 'missing-file'
  | 'not-a-model'
  | 'missing-library'
  | 'bad-flag'
  | 'port-taken'
  | 'unreachable-worker'
  | 'not-executable'
  | 'unsupported-model'
  | 'timed-out'
  | 'killed'
  | 'crashed'
  | 'exited';

export interface ExitFacts {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** What Node's spawn failed with, such as `ENOENT`; the process never ran then. */
  readonly spawnErrorCode?: string | undefined;
  /** The last lines of stdout and stderr, oldest first. */
  readonly logTail: readonly string[];
  /** Whether Corral ended it because it was not ready in time. */
  readonly timedOut?: boolean | undefined;
  /** It was ended before its health check was answered at all. */
  readonly isUnanswered?: boolean | undefined;
  readonly modelFile?: string | undefined;
}

export interface ExitDiagnosis {
  readonly kind: ExitKind;
  /** What happened: a sentence. */
  readonly summary: string;
  /** What to do about it: one or two sentences. */
  readonly advice: string;
}

interface Rule {
  readonly kind: ExitKind;
  readonly pattern: RegExp;
  /** `match` is the pattern's, `model` names what was being loaded. */
  readonly summary: (match: RegExpExecArray, model: string) => string;
  readonly advice: string;
}

const lessMemory =
  'Eject other models, close programs that use the memory, or lower the context size, `parallel` or `gpuLayers`.';
const otherBuild = 'Install a build of llama.cpp for this machine, or set `engine.path` to one.';

/** Tried in this order on the whole tail: the cause comes before the failures that follow from it. */
const logRules: readonly Rule[] = [
  {
    // ggml/src/ggml-rpc/ggml-rpc.cpp; the program aborts then, and a debugger's trace may follow.
    kind: 'unreachable-worker',
    pattern: /ggml-rpc\S*: (?:Failed to connect to|Remote RPC server crashed[^\n]*) ?(\S*)/,
    summary: (match) => `The RPC worker ${match[1] ?? ''} could not be reached, or went away.`,
    advice: "Start ggml's rpc-server on that machine, see that its port is open to this one, or take it out of `rpc`.",
  },
  {
    kind: 'missing-library',
    pattern: /error while loading shared libraries: ([^:\s]+)/,
    summary: (match) => `The library ${match[1] ?? ''} that the program needs is missing.`,
    advice: 'Install it, or install a complete build of llama.cpp; the libraries belong beside the executable.',
  },
  {
    kind: 'missing-library',
    pattern: /Library not loaded: (\S+)|dyld(?:\[\d+\])?: (?:Symbol not found|missing symbol)/,
    summary: (match) => `The library ${match[1] ?? 'or a symbol of it'} that the program needs is missing.`,
    advice: 'Install a complete build of llama.cpp for this version of macOS.',
  },
  {
    kind: 'missing-library',
    pattern: /version [`'](GLIBC\w*_[\d.]+)' not found/,
    summary: (match) => `The program needs a newer system library (${match[1] ?? 'glibc'}).`,
    advice: otherBuild,
  },
  {
    kind: 'missing-library',
    pattern: /symbol lookup error: .*?undefined symbol: (\S+)/,
    summary: (match) => `Its libraries do not belong to this program (symbol ${match[1] ?? ''} is missing).`,
    advice: 'Keep the libraries of one build of llama.cpp together, beside its executable.',
  },
  {
    kind: 'wrong-architecture',
    pattern: /Exec format error|cannot execute binary file|Bad CPU type in executable|not a valid Win32 application/,
    summary: () => 'The program is made for another processor or operating system.',
    advice: otherBuild,
  },
  {
    kind: 'wrong-architecture',
    pattern: /no kernel image is available for execution|CUDA driver version is insufficient|invalid device function/,
    summary: () => 'This build of llama-server does not support this GPU or its driver.',
    advice: 'Update the GPU driver, or install a build of llama.cpp for this GPU (or one for the CPU).',
  },
  {
    kind: 'out-of-memory',
    pattern:
      /cudaMalloc failed: out of memory|(?:CUDA|ROCm|HIP|MUSA) error: out of memory|hipMalloc failed|hipErrorOutOfMemory|ErrorOutOf(?:Device|Host|Pool)Memory|Requested buffer size exceeds device|kIOGPUCommandBufferCallbackErrorOutOfMemory|Insufficient Memory|UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY|CUBLAS_STATUS_ALLOC_FAILED/,
    summary: (_, model) => `llama-server ran out of GPU memory while loading or running ${model}.`,
    advice: lessMemory,
  },
  {
    kind: 'out-of-memory',
    pattern:
      /failed to allocate (?:(?:\w+ )?buffer|compute|graph|context|output)|unable to allocate \S+ buffer|alloc_tensor_range: failed|std::bad_alloc|Cannot allocate memory|(?:mmap|mlock) failed: Cannot allocate/,
    summary: (_, model) => `llama-server ran out of memory while loading or running ${model}.`,
    advice: lessMemory,
  },
  {
    kind: 'bad-flag',
    pattern: /error: (?:invalid|unknown) argument: (.+)/,
    summary: (match) => `llama-server does not know the argument ${(match[1] ?? '').trim()}.`,
    advice: "Correct or remove it in the model's `args`; `llama-server --help` lists what this build knows.",
  },
  {
    kind: 'bad-flag',
    pattern: /error while handling argument "([^"]+)": ?(.*)/,
    summary: (match) => `llama-server refused the argument ${match[1] ?? ''}${explainRefusal(match[2] ?? '')}.`,
    advice: "Correct or remove it in the model's settings or `args`.",
  },
  {
    kind: 'bad-flag',
    pattern: /error while handling environment variable "([^"]+)": ?(.*)/,
    summary: (match) => `llama-server refused the variable ${match[1] ?? ''}${explainRefusal(match[2] ?? '')}.`,
    advice: "Correct or unset it in the model's `env` or in Corral's own environment.",
  },
  {
    kind: 'bad-flag',
    pattern: /quantized V cache requires flash_attn|V cache quantization requires flash_attn/,
    summary: () => 'A quantized KV cache needs flash attention, which is switched off.',
    advice: "Remove `--flash-attn off` from the model's `args`, or choose another `kvCacheType`.",
  },
  {
    kind: 'port-taken',
    pattern: /couldn't bind (?:to server socket|HTTP server socket)[^\n]*?hostname[:=] ?(\S+?),? port[:=] ?(\d+)/,
    summary: (match) =>
      (match[1] ?? '').endsWith('.sock')
        ? `llama-server could not listen on the socket ${match[1] ?? ''}.`
        : `Port ${match[2] ?? ''} of ${match[1] ?? ''} is taken by another program.`,
    advice: 'Stop that program, or start the model again so that it gets another port.',
  },
  {
    kind: 'port-taken',
    pattern: /couldn't bind|Address already in use|EADDRINUSE|Only one usage of each socket address/,
    summary: () => 'The port that the server should listen on is taken by another program.',
    advice: 'Stop that program, or start the model again so that it gets another port.',
  },
  {
    kind: 'missing-file',
    pattern: /failed to open (?:GGUF file )?'?([^'\n]*?)'?(?: \(|: '?)No such file or directory/,
    summary: (match) => `The file ${match[1] ?? ''} does not exist.`,
    advice: 'Correct the path in the configuration, or download the file again.',
  },
  {
    kind: 'missing-file',
    pattern: /failed to open (?:GGUF file )?'?([^'\n]*?)'?(?: \(|: '?)Permission denied/,
    summary: (match) => `The file ${match[1] ?? ''} may not be read.`,
    advice: 'Give the user that runs Corral the right to read it.',
  },
  {
    kind: 'unsupported-model',
    pattern: /unknown model architecture: '([^']+)'/,
    summary: (match, model) => `This llama-server does not know the architecture "${match[1] ?? ''}" of ${model}.`,
    advice: 'Update llama.cpp; a newer build may know it.',
  },
  {
    kind: 'unsupported-model',
    pattern: /unknown pre-tokenizer type: '([^']+)'|unsupported (?:model|gguf|GGUF) version|unknown \(?ggml\)? ?type/,
    summary: (match, model) =>
      `This llama-server cannot read ${model}${match[1] === undefined ? '' : ` (tokenizer "${match[1]}")`}.`,
    advice: 'Update llama.cpp; a newer build may know it.',
  },
  {
    kind: 'not-a-model',
    pattern:
      /invalid magic characters|bad magic|tensor '?[^'\n]*'? data is not within the file bounds|corrupted or incomplete|failed to read (?:key-value|tensor|magic)|missing tensor '|check_tensors|wrong number of tensors/,
    summary: (_, model) => `The file of ${model} is not a complete GGUF model.`,
    advice: 'Download it again; it may have been cut off, or be another kind of file.',
  },
];

/** llama.cpp passes on what std::stoi and its like throw, which tells nobody anything. */
function explainRefusal(reason: string): string {
  const text = reason.trim();
  if (/^sto(i|f|d|l|ll|ul|ull)$/.test(text)) return ': it wants a number';
  return text === '' ? '' : `: ${text.replace(/\.$/, '')}`;
}

/** The most telling cause first: a failed spawn, then what the log says, then how the process ended. */
export function diagnoseExit(facts: ExitFacts): ExitDiagnosis {
  const model = facts.modelFile ?? 'the model';
  if (facts.spawnErrorCode !== undefined) return diagnoseSpawn(facts.spawnErrorCode);
  const tail = facts.logTail.map(stripLogPrefix).join('\n');
  for (const rule of logRules) {
    const match = rule.pattern.exec(tail);
    if (match !== null) return { kind: rule.kind, summary: rule.summary(match, model), advice: rule.advice };
  }
  if (facts.timedOut === true) {
    if (facts.isUnanswered === true) {
      return {
        kind: 'timed-out',
        summary: 'The server did not listen in time, or not where it was asked, and was ended.',
        advice: 'Raise `answerTimeout` if it has much to do before it listens; the log shows how far it came.',
      };
    }
    return {
      kind: 'timed-out',
      summary: 'The server did not become ready in time and was ended.',
      advice: 'Raise `startTimeout` if the model is large or its disk slow; the log shows how far it came.',
    };
  }
  return diagnoseEnd(facts, model);
}

function diagnoseSpawn(code: string): ExitDiagnosis {
  switch (code) {
    case 'ENOENT':
      return {
        kind: 'missing-file',
        summary: 'The program, the interpreter it names, or its working folder does not exist.',
        advice: 'Correct the command or `engine.path` in the configuration.',
      };
    case 'EACCES':
    case 'EPERM':
      return {
        kind: 'not-executable',
        summary: 'The program may not be executed.',
        advice: 'Make it executable (`chmod +x`), and see that its disk allows it and that no security tool blocks it.',
      };
    case 'ENOEXEC':
    case 'EBADARCH':
    case 'EFTYPE':
    case 'UNKNOWN': // Windows' ERROR_BAD_EXE_FORMAT has no name in libuv.
      return {
        kind: 'wrong-architecture',
        summary: 'The program is made for another processor or operating system, or is no program at all.',
        advice: otherBuild,
      };
    case 'ENOMEM':
    case 'EAGAIN':
      return {
        kind: 'out-of-memory',
        summary: 'The system had no memory, or no processes, left to start the program.',
        advice: 'Close other programs and try again.',
      };
    default:
      return {
        kind: 'crashed',
        summary: `The program could not be started (${code}).`,
        advice: 'See that the command runs in a terminal.',
      };
  }
}

const seeLog = 'The log shows what it said last.';

function diagnoseEnd({ exitCode, signal }: ExitFacts, model: string): ExitDiagnosis {
  const status = exitCode === null ? undefined : exitCode >>> 0;
  if (signal === 'SIGILL' || status === 0xc000001d || status === 132) {
    return {
      kind: 'wrong-architecture',
      summary: 'llama-server used an instruction that this processor does not have.',
      advice: otherBuild,
    };
  }
  if (status === 0xc0000135 || status === 0xc0000139) {
    return {
      kind: 'missing-library',
      summary: 'A library (DLL) that the program needs is missing or too old.',
      advice: "Install a complete build of llama.cpp and Microsoft's Visual C++ runtime.",
    };
  }
  if (status === 0xc0000017 || status === 0xc000012d) {
    return {
      kind: 'out-of-memory',
      summary: `The system ran out of memory while loading ${model}.`,
      advice: lessMemory,
    };
  }
  if (signal === 'SIGKILL' || status === 137) {
    return {
      kind: 'killed',
      summary: 'Something outside Corral killed the process, most likely the system because memory ran out.',
      advice: lessMemory,
    };
  }
  if (signal === 'SIGTERM' || signal === 'SIGINT' || signal === 'SIGHUP') {
    return { kind: 'killed', summary: `Something outside Corral ended the process (${signal}).`, advice: seeLog };
  }
  if (signal !== null) {
    return {
      kind: 'crashed',
      summary: `llama-server crashed (${signal}).`,
      advice: `${seeLog} Another build of llama.cpp, or less on the GPU (\`gpuLayers\`), may work.`,
    };
  }
  // Windows ends a crashed process with an NTSTATUS of severity "error", shells one with 128 + the signal.
  if (status !== undefined && (status >= 0xc0000000 || status === 134 || status === 139)) {
    const code = status >= 0xc0000000 ? `0x${status.toString(16)}` : String(status);
    return { kind: 'crashed', summary: `llama-server crashed (exit code ${code}).`, advice: seeLog };
  }
  if (exitCode === 126) {
    return {
      kind: 'not-executable',
      summary: 'The program may not be executed.',
      advice: 'Make it executable (`chmod +x`), or correct the command.',
    };
  }
  if (exitCode === 127) {
    return {
      kind: 'missing-file',
      summary: 'The command, or a library it needs, was not found.',
      advice: `Correct the command or \`engine.path\`. ${seeLog}`,
    };
  }
  return {
    kind: 'exited',
    summary: `The process ended by itself (exit code ${exitCode ?? 'unknown'}).`,
    advice: seeLog,
  };
}
