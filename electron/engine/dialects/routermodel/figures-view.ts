import type { ModelView } from '#shared/contract/snapshot.ts';
import { round2 } from './status-view.ts';
import { averageOf, emptyFigures, percentileOf, type Figures, type RequestTally } from './request-tally.ts';

/** Queue, telemetry and metrics in RouterModelCustom's shapes. Pure. */

export function queueStats(models: readonly ModelView[], tally: RequestTally): Record<string, unknown> {
  const figuresOf = (id: string): Readonly<Figures> => tally.byModel().get(id) ?? emptyFigures();
  const sum = (read: (model: ModelView) => number): number => models.reduce((total, model) => total + read(model), 0);
  const processed = (id: string): number => figuresOf(id).total - figuresOf(id).rejected;
  return {
    summary: {
      total_queued: sum((model) => model.waitingRequests),
      total_processing: sum((model) => model.activeRequests),
      total_processed: sum(({ id }) => processed(id)),
      total_rejected: sum(({ id }) => figuresOf(id).rejected),
    },
    per_model: Object.fromEntries(
      models.map(({ id, waitingRequests, activeRequests }) => [
        id,
        {
          queue_length: waitingRequests,
          total_requests: figuresOf(id).total + waitingRequests + activeRequests,
          total_processed: processed(id),
          total_rejected: figuresOf(id).rejected,
          current_processing: activeRequests,
          processing: activeRequests > 0,
        },
      ]),
    ),
  };
}

export function telemetrySummary(tally: RequestTally): Record<string, unknown> {
  const all = tally.all();
  if (all.total === 0) return { message: 'No requests recorded yet' };
  return {
    total_requests: all.total,
    successful: all.successful,
    failed: all.failed,
    success_rate: successRate(all),
    response_time_stats: timeStats(all.durationsSeconds),
    tokens_generated: all.completionTokens,
    prompt_tokens: all.promptTokens,
    per_model: Object.fromEntries(
      [...tally.byModel()].map(([id, figures]) => [
        id,
        {
          total_requests: figures.total,
          successful: figures.successful,
          failed: figures.failed,
          success_rate: successRate(figures),
          avg_response_time: round3(averageOf(figures.durationsSeconds)),
          tokens_generated: figures.completionTokens,
        },
      ]),
    ),
  };
}

function timeStats(seconds: readonly number[]): Record<string, number> {
  return {
    avg: round3(averageOf(seconds)),
    min: round3(seconds.length === 0 ? 0 : Math.min(...seconds)),
    max: round3(seconds.length === 0 ? 0 : Math.max(...seconds)),
    p50: round3(percentileOf(seconds, 0.5)),
    p95: round3(percentileOf(seconds, 0.95)),
  };
}

function successRate({ total, successful }: Readonly<Figures>): number {
  return round2((successful / total) * 100);
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}

export interface MetricFacts {
  readonly modelsLoaded: number;
  readonly modelsEjected: number;
  readonly modelsActive: number;
  readonly vram: { readonly totalBytes: number; readonly usedBytes: number; readonly freeBytes: number };
}

/** The text format of Prometheus. */
export function metricsText(tally: RequestTally, facts: MetricFacts): string {
  const byEndpoint = (read: (figures: Readonly<Figures>) => number): string[] =>
    [...tally.byEndpoint()].map(([endpoint, figures]) => `{endpoint="${escapeLabel(endpoint)}"} ${read(figures)}`);
  const family = (name: string, type: string, help: string, samples: readonly string[]): string =>
    [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples.map((sample) => `${name}${sample}`), ''].join('\n');
  return [
    family(
      'requests_total',
      'counter',
      'Total requests',
      byEndpoint((each) => each.total),
    ),
    family(
      'requests_success',
      'counter',
      'Successful requests',
      byEndpoint((each) => each.successful),
    ),
    family(
      'requests_failed',
      'counter',
      'Failed requests',
      byEndpoint((each) => each.failed),
    ),
    family(
      'request_duration_seconds_avg',
      'gauge',
      'Average request duration',
      byEndpoint((each) => averageOf(each.durationsSeconds)),
    ),
    family(
      'request_duration_seconds_p95',
      'gauge',
      '95th percentile of the request duration',
      byEndpoint((each) => percentileOf(each.durationsSeconds, 0.95)),
    ),
    family('models_loaded_total', 'counter', 'Models loaded', [` ${facts.modelsLoaded}`]),
    family('models_ejected_total', 'counter', 'Models ejected', [` ${facts.modelsEjected}`]),
    family('models_active', 'gauge', 'Models loaded now', [` ${facts.modelsActive}`]),
    family('vram_total_bytes', 'gauge', 'Total video memory', [` ${facts.vram.totalBytes}`]),
    family('vram_used_bytes', 'gauge', 'Used video memory', [` ${facts.vram.usedBytes}`]),
    family('vram_free_bytes', 'gauge', 'Free video memory', [` ${facts.vram.freeBytes}`]),
  ].join('');
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/ */
function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
