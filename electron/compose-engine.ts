import { mkdir, realpath } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { AppError } from '#shared/contract/errors.ts';
import { createControlHandler } from './api/http-transport.ts';
import { createWindowFilesHandler } from './api/window-files.ts';
import { configFilePath, dataFolder, runtimeFolder } from './engine/config/config-folders.ts';
import { configInvalidError, formatConfigIssue, type ConfigIssue } from './engine/config/config-issue.ts';
import type { FolderContext } from './engine/config/folder-context.ts';
import { createLiveConfig, type LiveConfig } from './engine/config/live-config.ts';
import { processFolders } from './engine/config/process-folders.ts';
import type { ConfigFormat } from './engine/config/interpret-config.ts';
import type { ResolvedConfig } from './engine/config/resolved-config.ts';
import { isLoopbackHost } from './engine/config/schema-fields.ts';
import { openEngine, type Engine } from './engine/engine.ts';
import { systemClock } from './engine/ports/clock.ts';
import { createAppLogger } from './engine/telemetry/app-logger.ts';

export interface ComposeOptions {
  readonly configFile: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  /** Of the native address where `port` is that of another program's file. */
  readonly nativePort?: number | undefined;
  /** Of the configuration file; undefined: told by what it holds. */
  readonly format?: ConfigFormat | undefined;
  readonly dataDir: string | undefined;
  readonly version: string;
  /** The built window; beside the built program, if not said. */
  readonly windowFolder?: string;
  /** A line of the log, for standard error. */
  printLog(line: string): void;
}

export interface ComposedEngine {
  /** Its `stop` ends the watch over the configuration too. */
  readonly engine: Engine;
  /** As it now is. */
  config(): ResolvedConfig;
}

/**
 * What the window's process and the headless one have in common: the engine, from the configuration to the address.
 * Resolves once it listens. Throws `config-invalid`, `port-taken` or `already-running`; nothing is left running then.
 */
export async function composeEngine(options: ComposeOptions): Promise<ComposedEngine> {
  const folders = processFolders();
  const filePath = options.configFile ?? configFilePath(folders);
  const live = createLiveConfig({
    filePath,
    isExplicit: options.configFile !== undefined,
    format: options.format,
    listenHost: options.host,
    env: { ...process.env },
    homeFolder: folders.homeFolder,
    platform: process.platform,
    clock: systemClock,
    logger: createAppLogger({ level: () => 'info', write: (_level, line) => options.printLog(line) }),
    override: (config) => withOverrides(config, options),
  });
  try {
    const loaded = await live.load();
    if (!loaded.ok) throw configInvalidError(filePath, loaded.errors, loaded.say);
    for (const warning of loaded.warnings) options.printLog(`warn ${filePath}: ${formatConfigIssue(warning)}`);
    const engine = await startEngine(options, live, loaded.config, loaded.warnings, folders);
    let { config } = loaded;
    live.follow({
      async applyConfig(next, warnings) {
        await engine.applyConfig(next, warnings);
        config = next;
      },
      reportConfigErrors: engine.reportConfigErrors,
    });
    return {
      config: () => config,
      engine: {
        ...engine,
        async stop(stopOptions) {
          await live.close();
          await engine.stop(stopOptions);
        },
      },
    };
  } catch (thrown) {
    await live.close();
    throw thrown;
  }
}

async function startEngine(
  options: ComposeOptions,
  live: LiveConfig,
  config: ResolvedConfig,
  configWarnings: readonly ConfigIssue[],
  folders: FolderContext,
): Promise<Engine> {
  const chosenDataFolder = options.dataDir ?? dataFolder(folders);
  await mkdir(chosenDataFolder, { recursive: true, mode: 0o700 });
  const realDataFolder = await realpath(chosenDataFolder);
  const engine = await openEngine({
    config,
    configWarnings,
    version: options.version,
    dataFolder: realDataFolder,
    runtimeFolder: runtimeFolder(folders, realDataFolder),
    platform: process.platform,
    env: { ...process.env },
    settings: live,
    onLogLine: (_level, line) => options.printLog(line),
  });
  try {
    engine.mount('/control', createControlHandler(engine));
    const windowFolder = options.windowFolder ?? fileURLToPath(new URL('./renderer', import.meta.url));
    engine.mount('/ui', createWindowFilesHandler(windowFolder));
    await engine.start();
    return engine;
  } catch (thrown) {
    await engine.stop();
    throw thrown;
  }
}

/** What the command line says stands above the file; for another program's file, above what that program listens on. */
function withOverrides(config: ResolvedConfig, options: ComposeOptions): ResolvedConfig {
  const { host, port, nativePort } = options;
  const [first, ...others] = config.listeners;
  const isForeign = config.foreign !== undefined && first !== undefined;
  const own = isForeign ? first : config.server;
  const place = { host: host ?? own.host, port: port ?? (isForeign ? undefined : nativePort) ?? own.port };
  if (config.server.apiKeys.length === 0 && !isLoopbackHost(place.host)) {
    throw new AppError(
      'config-invalid',
      `--host ${place.host} would open Corral to other machines without a key. Set server.apiKeys first, or stay on 127.0.0.1.`,
    );
  }
  if (!isForeign) return { ...config, server: { ...config.server, ...place } };
  return {
    ...config,
    server: { ...config.server, port: nativePort ?? config.server.port },
    listeners: [{ ...first, ...place }, ...others],
  };
}
