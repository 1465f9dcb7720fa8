import type { ModelView, Snapshot } from '#shared/contract/snapshot.ts';

/** The state of models as RouterModelCustom's dashboards read it. Pure. */

export const appStatuses = ['off', 'starting', 'loading', 'ready', 'loaded', 'stopping', 'crashed', 'failed'] as const;

export type AppStatus = (typeof appStatuses)[number];

export interface ModelStatus {
  readonly alias: string;
  readonly status: AppStatus;
  /** Null where the process has a socket in place of a port. */
  readonly port: number | null;
  readonly started_at: string | null;
  readonly last_used_at: string | null;
  /** Per cent. */
  readonly load_progress: number | null;
  readonly error_message: string | null;
  readonly vram_used_mb: number;
  readonly updated_at: string;
}

export interface ServerStatus {
  readonly status: 'initializing' | 'ready' | 'shutting_down';
  readonly started_at: string;
  readonly updated_at: string;
}

export interface FullStatus {
  readonly server: ServerStatus;
  readonly models: Readonly<Record<string, ModelStatus>>;
  readonly summary: { readonly total: number; readonly by_status: Readonly<Record<AppStatus, number>> };
}

/** `ready` until it has answered for the first time, `loaded` from then on. */
export function appStatus({ state, lastUsedAt, stateSince }: ModelView): AppStatus {
  switch (state) {
    case 'ready':
      return lastUsedAt !== null && lastUsedAt >= stateSince ? 'loaded' : 'ready';
    case 'draining':
      return 'stopping';
    default:
      return state;
  }
}

export function modelStatus(model: ModelView, memory: Snapshot['memory']): ModelStatus {
  const isRunning = model.pid !== null;
  return {
    alias: model.id,
    status: appStatus(model),
    port: portOf(model.address),
    started_at: isRunning ? isoTime(startedAt(model)) : null,
    last_used_at: model.lastUsedAt === null ? null : isoTime(model.lastUsedAt),
    load_progress: model.loadProgress === null ? null : Math.round(model.loadProgress * 100),
    error_message: model.problem?.message ?? null,
    vram_used_mb: megabytes(vramBytes(model.id, memory)),
    updated_at: isoTime(model.stateSince),
  };
}

/** A process that is ready was started as long before as its load took. */
function startedAt({ state, stateSince, lastLoadMs }: ModelView): number {
  return state === 'ready' ? stateSince - (lastLoadMs ?? 0) : stateSince;
}

export function serverStatus({ instance, engine }: Snapshot, updatedAt: number): ServerStatus {
  return {
    status: instance.isShuttingDown ? 'shutting_down' : engine.status === 'installing' ? 'initializing' : 'ready',
    started_at: isoTime(instance.startedAt),
    updated_at: isoTime(updatedAt),
  };
}

/** Of the models the caller may see. */
export function fullStatus(snapshot: Snapshot, models: readonly ModelView[], nowMs: number): FullStatus {
  const statuses = models.map((model) => modelStatus(model, snapshot.memory));
  const newest = Math.max(snapshot.instance.startedAt, ...models.map(({ stateSince }) => stateSince));
  const count = (status: AppStatus): number => statuses.filter((each) => each.status === status).length;
  return {
    server: serverStatus(snapshot, Math.min(nowMs, newest)),
    models: Object.fromEntries(statuses.map((status) => [status.alias, status])),
    summary: {
      total: statuses.length,
      by_status: Object.fromEntries(appStatuses.map((each) => [each, count(each)])) as Record<AppStatus, number>,
    },
  };
}

/** What `/v1/models/{alias}/status` says. */
export function loadingStatus(model: ModelView): Record<string, unknown> {
  const status = appStatus(model);
  const port = portOf(model.address);
  if (model.pid !== null && model.address !== null) return { model: model.id, status, port };
  return { model: model.id, status, detail: model.problem?.message ?? model.detail ?? `The model is ${status}.` };
}

/** What a model holds of the devices that count as video memory. */
export function vramBytes(modelId: string, memory: Snapshot['memory']): number {
  return videoDevices(memory)
    .flatMap(({ models }) => models)
    .reduce((sum, { model, bytes }) => (model === modelId ? sum + bytes : sum), 0);
}

/** The GPUs, or system memory where there is none and models are there. */
export function videoDevices({ devices }: Snapshot['memory']): Snapshot['memory']['devices'] {
  const gpus = devices.filter(({ kind }) => kind !== 'ram');
  return gpus.length > 0 ? gpus : devices;
}

export function portOf(address: string | null): number | null {
  const port = /:(\d+)$/.exec(address ?? '')?.[1];
  return port === undefined ? null : Number(port);
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** To a hundredth, as the program does it. */
export function megabytes(bytes: number): number {
  return round2(bytes / 2 ** 20);
}

export function gigabytes(bytes: number): number {
  return round2(bytes / 2 ** 30);
}

export function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
