import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { RequestRecord } from '#shared/contract/request-record.ts';
import type { DeviceView, MemoryView } from '#shared/contract/memory.ts';
import type { ModelView, PoolView } from '#shared/contract/snapshot.ts';
import { modelStates } from '#shared/model/model-state.ts';
import { addPoolMetrics } from './pool-metrics.ts';

export interface Metrics {
  observeRequest(record: RequestRecord): void;
  /** A model became ready after `loadMs`. */
  observeLoad(modelId: string, loadMs: number): void;
  /** A model was unloaded; `reason` is `room`, `idle`, `eject` or `shutdown`. */
  observeUnload(modelId: string, reason: string): void;
  /** The text format of Prometheus. */
  render(): Promise<string>;
  readonly contentType: string;
  close(): void;
}

const SECONDS_BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Each is a wake-up; at the default of 10 ms they are more than half of what an idle Corral costs. */
const LOOP_DELAY_RESOLUTION_MS = 1000;

/** Node notes the whole time between two wake-ups, in nanoseconds; what is beyond the one that was asked for is the delay. */
function delaySeconds(elapsedNs: number): number {
  return Math.max(0, elapsedNs / 1e9 - LOOP_DELAY_RESOLUTION_MS / 1000);
}

/** What Prometheus can scrape. Names follow https://prometheus.io/docs/practices/naming/; states are read when asked. */
export function createMetrics(
  readModels: () => readonly ModelView[],
  readMemory: () => MemoryView,
  readPools: () => readonly PoolView[],
): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const loopDelay = monitorEventLoopDelay({ resolution: LOOP_DELAY_RESOLUTION_MS });
  loopDelay.enable();

  const requests = new Counter({
    name: 'corral_requests_total',
    help: 'Requests by model, lane, status and who ended them.',
    labelNames: ['model', 'lane', 'status', 'ended_by'] as const,
    registers,
  });
  const tokens = new Counter({
    name: 'corral_tokens_total',
    help: 'Tokens by model, lane and direction (prompt, completion).',
    labelNames: ['model', 'lane', 'direction'] as const,
    registers,
  });
  const seconds = (name: string, help: string): Histogram<'model'> =>
    new Histogram({ name, help, labelNames: ['model'] as const, buckets: SECONDS_BUCKETS, registers });
  const queueWait = seconds('corral_queue_wait_seconds', 'Time requests waited for a slot or for room.');
  const loadWait = seconds('corral_load_wait_seconds', 'Time requests waited for their model to load.');
  const firstByte = seconds(
    'corral_time_to_first_token_seconds',
    'Time from a request to the first byte of its answer.',
  );
  const duration = seconds('corral_request_duration_seconds', 'Time from a request to the end of its answer.');
  const loads = seconds('corral_model_load_seconds', 'Time from the start of a process to its readiness.');
  const unloads = new Counter({
    name: 'corral_model_unloads_total',
    help: 'Models unloaded, by reason (room, idle, eject, shutdown, crash).',
    labelNames: ['model', 'reason'] as const,
    registers,
  });
  new Gauge({
    name: 'corral_model_state',
    help: '1 for the state a model is in, 0 for the others.',
    labelNames: ['model', 'state'] as const,
    registers,
    collect() {
      this.reset();
      for (const model of readModels()) {
        for (const state of modelStates) this.set({ model: model.id, state }, model.state === state ? 1 : 0);
      }
    },
  });
  const perModel = (name: string, help: string, read: (model: ModelView) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['model'] as const,
      registers,
      collect() {
        this.reset();
        for (const model of readModels()) this.set({ model: model.id }, read(model));
      },
    });
  };
  perModel('corral_requests_running', 'Requests being answered.', (model) => model.activeRequests);
  perModel('corral_queue_depth', 'Requests that wait.', (model) => model.waitingRequests);
  const perDevice = (name: string, help: string, read: (device: DeviceView) => number | null): void => {
    new Gauge({
      name,
      help,
      labelNames: ['device'] as const,
      registers,
      collect() {
        this.reset();
        for (const device of readMemory().devices) {
          const value = read(device);
          if (value !== null) this.set({ device: device.id }, value);
        }
      },
    });
  };
  perDevice('corral_device_memory_total_bytes', 'Memory of a device.', (device) => device.totalBytes);
  perDevice('corral_device_memory_free_bytes', 'Free memory of a device, as last read.', (device) => device.freeBytes);
  perDevice('corral_device_memory_budget_bytes', 'What models may use of a device.', (device) => device.budgetBytes);
  perDevice(
    'corral_device_memory_others_bytes',
    'What other programs use of a device.',
    (device) => device.usedByOthersBytes,
  );
  new Gauge({
    name: 'corral_model_memory_bytes',
    help: 'Memory reserved for a model, by device.',
    labelNames: ['model', 'device'] as const,
    registers,
    collect() {
      this.reset();
      for (const device of readMemory().devices) {
        for (const { model, bytes } of device.models) this.set({ model, device: device.id }, bytes);
      }
    },
  });
  addPoolMetrics(registry, readPools);
  new Gauge({
    name: 'corral_event_loop_delay_seconds',
    help: 'Delay of the event loop since the last scrape.',
    labelNames: ['quantile'] as const,
    registers,
    collect() {
      this.set({ quantile: '0.5' }, delaySeconds(loopDelay.percentile(50)));
      this.set({ quantile: '0.99' }, delaySeconds(loopDelay.percentile(99)));
      this.set({ quantile: '1' }, delaySeconds(loopDelay.max));
      loopDelay.reset();
    },
  });
  new Gauge({
    name: 'corral_resident_memory_bytes',
    help: 'Memory of Corral itself, without its models.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });

  return {
    observeRequest(record) {
      const { modelId: model, lane } = record;
      requests.inc({ model, lane, status: record.status ?? 0, ended_by: record.endedBy });
      if (record.promptTokens !== null) tokens.inc({ model, lane, direction: 'prompt' }, record.promptTokens);
      if (record.completionTokens !== null)
        tokens.inc({ model, lane, direction: 'completion' }, record.completionTokens);
      queueWait.observe({ model }, record.queueWaitMs / 1000);
      loadWait.observe({ model }, record.loadWaitMs / 1000);
      if (record.ttftMs !== null) firstByte.observe({ model }, record.ttftMs / 1000);
      duration.observe({ model }, record.durationMs / 1000);
    },
    observeLoad: (modelId, loadMs) => loads.observe({ model: modelId }, loadMs / 1000),
    observeUnload: (modelId, reason) => unloads.inc({ model: modelId, reason }),
    render: () => registry.metrics(),
    contentType: registry.contentType,
    close() {
      loopDelay.disable();
      registry.clear();
    },
  };
}
