import { proxyKey } from './config/proxy-address.ts';
import type { ResolvedConfig } from './config/resolved-config.ts';
import { isLoopbackHost } from './config/schema-fields.ts';
import type { ModelTable } from './model-table.ts';
import type { GuardPolicy } from './proxy/guards.ts';
import type { InferenceSettings } from './proxy/inference.ts';
import { createMemoryRoom } from './scheduler/memory-room.ts';
import { createCountRoom } from './scheduler/room.ts';
import type { SchedulerSettings } from './scheduler/scheduler-contract.ts';

/** What each part of the engine takes from a configuration. Pure; done again whenever the configuration changes. */

/** `host` is what the address listens on. */
function guardPolicyOf({ server }: ResolvedConfig, host: string): GuardPolicy {
  return {
    allowedHosts: [...server.allowedHosts, host],
    allowedOrigins: server.allowedOrigins,
    apiKeys: server.apiKeys,
    isKeyDemanded: !isLoopbackHost(host),
  };
}

/** Of the native address, or of a further one at `host`. */
export function inferenceSettingsOf(config: ResolvedConfig, host = config.server.host): InferenceSettings {
  return {
    guardPolicy: guardPolicyOf(config, host),
    maxBodyBytes: config.server.maxBodyBytes,
    remoteImages: config.server.remoteImages,
    responseTimeoutMs: config.server.timeouts.responseMs,
    idleTimeoutMs: config.server.timeouts.idleMs,
    waitingComments: config.scheduler.waitingComments,
  };
}

export function schedulerSettingsOf(config: ResolvedConfig, { models, sets }: ModelTable): SchedulerSettings {
  const canEvict = config.memory.policy === 'evict-lru';
  const setFacts = [...sets].map(([name, set]) => ({ name, ...set }));
  const addresses = new Map(
    [...models.values()].flatMap((model) =>
      model.kind === 'command' && model.proxy !== undefined ? [[model.id, proxyKey(model.proxy)] as const] : [],
    ),
  );
  return {
    models,
    room: createMemoryRoom({
      count: createCountRoom({ maxLoaded: config.memory.maxLoaded, canEvict, sets: setFacts, addresses }),
      canEvict,
    }),
    gameModeRequests: config.memory.gameMode.requests,
    fairnessBoundMs: config.scheduler.fairnessBoundMs,
    maxQueued: config.scheduler.maxQueued,
    laneLimits: new Map(
      config.server.apiKeys.flatMap((key) => (key.concurrency === undefined ? [] : [[key.name, key.concurrency]])),
    ),
    togetherSets: [...sets.values()].filter((set) => set.load === 'together').map((set) => set.models),
    byNameSets: new Map([...sets].filter(([, set]) => set.isByName).map(([name, set]) => [name, set.models])),
  };
}
