import { createHash, randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '#shared/contract/errors.ts';
import { checkGgufFile } from '../catalog/gguf-header.ts';
import { fillPlaceholders } from '../config/placeholders.ts';
import { parseProxyAddress } from '../config/proxy-address.ts';
import type { CommandModelConfig, FileModelConfig, ModelConfig } from '../config/resolved-config.ts';
import type { Placement } from '../memory/placement.ts';
import type { LlamaCapabilities } from '../llama/capabilities.ts';
import { buildLlamaCommandLine } from '../llama/command-line.ts';
import { OWNER_VARIABLE } from '../process/leftovers-linux.ts';
import type { EngineBuild } from '../runtimes/engine-build.ts';
import type { ListenAddress } from './endpoint.ts';
import { waitForFreeAddress } from './free-address.ts';
import type { FindFreePort } from './free-port.ts';
import type { KvCacheKeeper, KvCachePlace } from './kv-cache-keeper.ts';
import { canKeepKvCache } from './kv-cache-key.ts';

/** Everything needed to spawn a model's process once. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
  readonly listen: ListenAddress;
  readonly apiKey: string | undefined;
  /** A path to ask until it answers 200; undefined if running (or the pattern) is all that can be waited for. */
  readonly healthPath: string | undefined;
  readonly readyPattern: RegExp | undefined;
  /** `${PID}` and the placeholders of `values` are still to be filled in. */
  readonly stopCommand: readonly [string, ...string[]] | undefined;
  readonly placeholderValues: Parameters<typeof fillPlaceholders>[1];
  readonly warnings: readonly string[];
  /** Where its KV cache is kept over an unload; undefined if it is not. */
  readonly kvCache: KvCachePlace | undefined;
}

/** What the scheduler decided of one start. */
export interface StartOptions {
  readonly placement?: Placement | undefined;
  /** For a context that is left to Corral. */
  readonly contextSize?: number | undefined;
  /** Takes its place after loads that ran out of memory. */
  readonly reducedContextSize?: number | undefined;
}

export interface LaunchDependencies {
  readonly platform: NodeJS.Platform;
  /** Corral's own environment, which children inherit. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A 0700 folder for Unix sockets. */
  readonly runtimeFolder: string;
  readonly findFreePort: FindFreePort;
  /** Tells our processes from all others at the next start, should they outlive this one. */
  readonly ownerMark: string;
  ensureEngine(signal: AbortSignal): Promise<EngineBuild>;
  readCapabilities(executable: string, signal: AbortSignal): Promise<LlamaCapabilities>;
  /** Without one, no KV cache is kept. */
  readonly kvCacheKeeper?: KvCacheKeeper | undefined;
  /** Told in words what the launch waits for. */
  onDetail(detail: string | null): void;
}

/**
 * Prepares one start: checks what can be checked without a process, finds llama-server, a socket or a port, and builds
 * the command line. Throws an `AppError` that says what is missing; nothing has been spawned then.
 */
export async function prepareLaunch(
  model: ModelConfig,
  options: StartOptions,
  dependencies: LaunchDependencies,
  signal: AbortSignal,
): Promise<Launch> {
  return model.kind === 'file'
    ? await prepareFileLaunch(model, options, dependencies, signal)
    : await prepareCommandLaunch(model, dependencies, signal);
}

async function prepareFileLaunch(
  model: FileModelConfig,
  options: StartOptions,
  dependencies: LaunchDependencies,
  signal: AbortSignal,
): Promise<Launch> {
  await checkGgufFile(model.file);
  if (model.mmproj !== undefined) await checkGgufFile(model.mmproj);
  dependencies.onDetail('waits for llama-server');
  const build = await dependencies.ensureEngine(signal);
  const capabilities = await dependencies.readCapabilities(build.executable, signal);
  dependencies.onDetail(null);
  const listen: ListenAddress =
    dependencies.platform !== 'win32' && capabilities.hasUnixSockets
      ? { kind: 'socket', path: await freshSocketPath(dependencies.runtimeFolder, model.id) }
      : { kind: 'tcp', host: '127.0.0.1', port: await dependencies.findFreePort() };
  const apiKey = randomBytes(24).toString('base64url');
  const settings = { model, listen, capabilities, ...options };
  const plain = buildLlamaCommandLine(settings);
  const env = { ...inheritedEnv(dependencies.env), ...plain.env, ...model.env };
  const place = canKeepKvCache(model)
    ? await dependencies.kvCacheKeeper?.preparePlace(model, {
        args: plain.args,
        env,
        build: [build.id, capabilities.version],
      })
    : undefined;
  const commandLine = place === undefined ? plain : buildLlamaCommandLine({ ...settings, kvCacheFolder: place.folder });
  const isKvCacheKept = place !== undefined && commandLine.args.includes(place.folder);
  return {
    command: build.executable,
    args: commandLine.args,
    // The key goes by the environment, which other users of the machine cannot read; the process list they can.
    env: { ...env, LLAMA_API_KEY: apiKey, [OWNER_VARIABLE]: dependencies.ownerMark },
    cwd: undefined,
    listen,
    apiKey,
    healthPath: '/health',
    readyPattern: undefined,
    stopCommand: undefined,
    placeholderValues: {},
    warnings: [...commandLine.warnings, ...(model.keepKvCache && place === undefined ? [NOT_KEPT] : [])],
    kvCache: isKvCacheKept ? place : undefined,
  };
}

async function prepareCommandLaunch(
  model: CommandModelConfig,
  dependencies: LaunchDependencies,
  signal: AbortSignal,
): Promise<Launch> {
  const { host, port, basePath } =
    model.proxy === undefined
      ? { host: '127.0.0.1', port: await dependencies.findFreePort(model.firstPort), basePath: '' }
      : parseProxyAddress(model.proxy);
  if (model.proxy !== undefined) await waitForFreeAddress(model.id, { host, port }, signal);
  const values = { PORT: String(port), HOST: host, MODEL_ID: model.id };
  const [command, ...args] = fillCommand(model.command, values);
  return {
    command,
    args,
    env: {
      ...inheritedEnv(dependencies.env),
      PORT: values.PORT,
      ...model.env,
      [OWNER_VARIABLE]: dependencies.ownerMark,
    },
    cwd: model.cwd,
    listen: { kind: 'tcp', host, port, ...(basePath === '' ? {} : { basePath }) },
    apiKey: undefined,
    healthPath: model.health === 'none' ? undefined : basePath + model.health,
    readyPattern: model.readyPattern,
    stopCommand: model.stopCommand,
    placeholderValues: values,
    warnings: [],
    kvCache: undefined,
  };
}

/** The command of a start: its placeholders filled in. Pure. */
export function fillCommand(
  command: readonly [string, ...string[]],
  values: Parameters<typeof fillPlaceholders>[1],
): [string, ...string[]] {
  const [program, ...args] = command;
  return [fillPlaceholders(program, values), ...args.map((argument) => fillPlaceholders(argument, values))];
}

function inheritedEnv(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const inherited: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined) inherited[name] = value;
  }
  return inherited;
}

const NOT_KEPT =
  '`keepKvCache` has no effect: the model makes embeddings or ranks, or its folder cannot be used (the log says why).';

/** Linux allows 107 bytes for a socket path, macOS 103; the folder is chosen so that this stays below 100. */
const MAX_SOCKET_PATH_BYTES = 100;

async function freshSocketPath(runtimeFolder: string, modelId: string): Promise<string> {
  const digest = createHash('sha256').update(modelId).digest('hex').slice(0, 8);
  const socketPath = path.join(runtimeFolder, `${digest}-${randomBytes(3).toString('hex')}.sock`);
  if (Buffer.byteLength(socketPath) > MAX_SOCKET_PATH_BYTES) {
    throw new AppError(
      'internal',
      `The socket path ${socketPath} is too long for the system; set XDG_RUNTIME_DIR to a shorter folder.`,
    );
  }
  await rm(socketPath, { force: true });
  return socketPath;
}
