import type { ModelView, Snapshot } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import type { ModelHistory } from './model-history.ts';
import { averageOf, type RequestTally } from './request-tally.ts';
import { appStatus, gigabytes, isoTime } from './status-view.ts';
import { totalsOf } from './vram-view.ts';

/** Health in RouterModelCustom's shapes. Pure. */

export interface HealthAnswer {
  /** Of HTTP: a degraded server is one that a load balancer should pass over. */
  readonly status: 200 | 503;
  readonly body: Readonly<Record<string, unknown>>;
}

export function serverHealth({ instance, engine, memory, models }: Snapshot): HealthAnswer {
  const hasGpu = memory.devices.some(({ kind }) => kind !== 'ram');
  const isOk = !instance.isShuttingDown && engine.status !== 'missing';
  const body = {
    status: isOk ? 'ok' : 'degraded',
    checks: {
      // A machine without a GPU runs models all the same.
      gpu: {
        status: hasGpu ? 'ok' : 'unavailable',
        vram_used_gb: hasGpu ? gigabytes(totalsOf(memory).usedBytes) : 0,
      },
      manager: {
        status: isOk ? 'ok' : instance.isShuttingDown ? 'shutting_down' : 'degraded',
        active_models: models.filter(({ state }) => isResident(state)).length,
      },
      http_client: { status: 'ok' },
    },
  };
  return { status: isOk ? 200 : 503, body };
}

/** Of the models that are loaded, or should be. */
export function modelsHealth(
  models: readonly ModelView[],
  { history, tally, nowMs }: { readonly history: ModelHistory; readonly tally: RequestTally; readonly nowMs: number },
): Record<string, unknown> {
  const present = models.filter(({ state }) => isResident(state) || state === 'crashed' || state === 'failed');
  return Object.fromEntries(
    present.map((model) => {
      const failures = history.attempts(model.id);
      return [
        model.id,
        {
          uptime_percentage: history.uptimePercentage(model.id, nowMs),
          consecutive_failures: failures,
          avg_response_time_ms: Math.round(averageOf(tally.byModel().get(model.id)?.durationsSeconds ?? []) * 1000),
          last_check: isoTime(nowMs),
          status: model.state === 'ready' ? (failures > 0 ? 'degraded' : 'healthy') : appStatus(model),
        },
      ];
    }),
  );
}
