import type { RequestListener } from 'node:http';
import type { ListenerConfig, ResolvedConfig } from './config/resolved-config.ts';
import { isSameListener } from './config/config-change.ts';
import type { DialectHost, DialectListener } from './dialects/dialect.ts';
import { findDialect } from './dialects/dialects.ts';
import type { ListenerFacts } from './engine-contract.ts';
import { inferenceSettingsOf } from './engine-settings.ts';
import type { EngineFront } from './engine-front.ts';
import type { Logger } from './ports/logger.ts';
import { formatAddress } from './proxy/format-address.ts';
import type { InferenceSettings } from './proxy/inference.ts';
import { openListeners, type AddressSettings, type Listeners, type ServerListener } from './proxy/listeners.ts';

export interface EngineListeners {
  /**
   * Listens where a configuration says, and no longer where it does not: only what differs is opened or closed. Throws
   * `port-taken`, and everything stays as it was then.
   */
  open(next: ResolvedConfig): Promise<void>;
  /** The native address; the configured one before anything is open. */
  address(): string;
  /** The further ones, in the order of the configuration. */
  further(): readonly ListenerFacts[];
  stopAccepting(): void;
  close(): Promise<void>;
}

export interface EngineListenersOptions {
  readonly logger: Logger;
  readonly front: EngineFront;
  config(): ResolvedConfig;
  /** What a dialect needs besides what this file knows. */
  host(): Omit<DialectHost, 'inference' | 'listener' | 'address'>;
  /** The native address has changed. */
  onNativeOpened(address: string): Promise<void>;
}

/** A further address while it is open. */
interface Door {
  spec: ListenerConfig;
  readonly listeners: Listeners;
  /** Another dialect takes over without closing the address. */
  furniture: Furniture;
}

/** What answers at an address. */
interface Furniture {
  readonly handler: ServerListener;
  /** Undefined for the native ones. */
  readonly dialect: DialectListener | undefined;
}

/** The addresses Corral listens on: the native one, and those of `listeners`. */
export function createEngineListeners(options: EngineListenersOptions): EngineListeners {
  const { logger, front } = options;
  let native: { readonly host: string; readonly port: number; readonly listeners: Listeners } | undefined;
  let doors: Door[] = [];
  /** All that were opened and may still have connections. */
  const opened = new Set<Listeners>();

  async function listen(
    place: { host: string; port: number },
    { from, settings, handler }: { from: ResolvedConfig; settings: AddressSettings; handler: ServerListener },
  ): Promise<Listeners> {
    const listeners = await openListeners({
      host: place.host,
      port: place.port,
      handler,
      requestTimeoutMs: from.server.timeouts.requestMs,
      settings,
      onError: (error) => logger.log('warn', `A connection could not be accepted: ${error.message}`),
    });
    opened.add(listeners);
    return listeners;
  }

  function settingsAt(host: string): () => InferenceSettings {
    let known: { config: ResolvedConfig; settings: InferenceSettings } | undefined;
    return () => {
      const config = options.config();
      if (known?.config !== config) known = { config, settings: inferenceSettingsOf(config, host) };
      return known.settings;
    };
  }

  /** Makes what answers at an address. */
  function furnish(door: Pick<Door, 'spec' | 'listeners'>): Furniture {
    const settings = settingsAt(door.spec.host);
    const dialect = findDialect(door.spec.dialect);
    if (dialect === undefined) return { handler: front.furtherNative(settings, door.spec.dialect), dialect: undefined };
    const host = options.host();
    const { listener, dialect: made } = front.ofDialect({
      settings,
      checkAdmin: host.checkAdmin,
      create: (inference) =>
        dialect.create(
          { ...host, inference, listener: () => door.spec, address: () => addressOf(door) },
          door.spec.options,
        ),
    });
    return { handler: listener, dialect: made };
  }

  async function openDoor(spec: ListenerConfig, index: number, from: ResolvedConfig): Promise<Door> {
    const isServedFile = from.foreign !== undefined;
    const settings = {
      host: isServedFile ? '--host' : `listeners[${index}].host`,
      port: isServedFile ? '--port' : `listeners[${index}].port`,
    };
    // What comes is answered later than this function goes on, when the door is complete.
    const handler: ServerListener = Object.assign<RequestListener, Pick<ServerListener, 'upgrade'>>(
      (request, response) => door.furniture.handler(request, response),
      { upgrade: (request, socket, head) => door.furniture.handler.upgrade?.(request, socket, head) },
    );
    const listeners = await listen(spec, { from, settings, handler });
    const door: Door = { spec, listeners, furniture: furnish({ spec, listeners }) };
    return door;
  }

  return {
    async open(next) {
      const added: Listeners[] = [];
      const closed: Listeners[] = [];
      const left = [...doors];
      const kept: { door: Door; spec: ListenerConfig }[] = [];
      let nextNative = native;
      try {
        if (native?.host !== next.server.host || native.port !== next.server.port) {
          const listeners = await listen(next.server, {
            from: next,
            settings: {
              host: 'server.host',
              port: next.foreign === undefined ? '--port or server.port' : '--native-port',
            },
            handler: front.native(),
          });
          added.push(listeners);
          if (native !== undefined) closed.push(native.listeners);
          nextNative = { host: next.server.host, port: next.server.port, listeners };
        }
        for (const [index, spec] of next.listeners.entries()) {
          const at = left.findIndex(({ spec: old }) => old.host === spec.host && old.port === spec.port);
          const [old] = at === -1 ? [] : left.splice(at, 1);
          const door = old ?? (await openDoor(spec, index, next));
          if (old === undefined) added.push(door.listeners);
          kept.push({ door, spec });
        }
      } catch (thrown) {
        for (const { door } of kept) if (added.includes(door.listeners)) await door.furniture.dialect?.close?.();
        await Promise.all(added.map(closeListeners));
        throw thrown;
      }
      for (const { door, spec } of kept) {
        const isSame = isSameListener(door.spec, spec);
        door.spec = spec;
        if (isSame) continue;
        await door.furniture.dialect?.close?.();
        door.furniture = furnish(door);
      }
      for (const { listeners, furniture } of left) {
        await furniture.dialect?.close?.();
        closed.push(listeners);
      }
      // Connections to an address that is no longer wanted may finish what they are doing.
      for (const listeners of closed) listeners.stopAccepting();
      const hasNewNative = nextNative !== native;
      native = nextNative;
      doors = kept.map(({ door }) => door);
      if (hasNewNative) await options.onNativeOpened(nativeAddress());
      for (const door of doors) {
        if (added.includes(door.listeners)) {
          logger.log('info', `Listening on ${addressOf(door)} in the language of ${door.spec.dialect}`);
        }
      }
    },
    address: nativeAddress,
    further: () =>
      doors.map((door) => ({
        dialect: door.spec.dialect,
        address: addressOf(door),
        startupLine: door.furniture.dialect?.startupLine?.(addressOf(door)),
      })),
    stopAccepting() {
      for (const listeners of opened) listeners.stopAccepting();
    },
    async close() {
      for (const door of doors) await door.furniture.dialect?.close?.();
      await Promise.all([...opened].map(closeListeners));
    },
  };

  async function closeListeners(listeners: Listeners): Promise<void> {
    opened.delete(listeners);
    await listeners.close();
  }

  function addressOf({ listeners }: Pick<Door, 'listeners'>): string {
    return formatAddress(listeners.host, listeners.port);
  }

  function nativeAddress(): string {
    const { server } = options.config();
    return formatAddress(native?.listeners.host ?? server.host, native?.listeners.port ?? server.port);
  }
}
