import { describe, expect, it } from 'vitest';
import type { RequestRecord } from '#shared/contract/request-record.ts';
import {
  metricsText,
  queueStats,
  telemetrySummary,
} from '../../../../electron/engine/dialects/routermodel/figures-view.ts';
import {
  createRequestTally,
  percentileOf,
  type RequestTally,
} from '../../../../electron/engine/dialects/routermodel/request-tally.ts';
import { modelView } from '../../../fakes/views.ts';

let lastId = 0;

function record(changes: Partial<RequestRecord> = {}): RequestRecord {
  lastId += 1;
  return {
    id: `r${lastId}`,
    at: 0,
    modelId: 'a',
    lane: 'default',
    route: '/v1/chat/completions',
    isStreaming: false,
    queueWaitMs: 0,
    loadWaitMs: 0,
    ttftMs: 1,
    durationMs: 1000,
    status: 200,
    promptTokens: 3,
    completionTokens: 7,
    tokensPerSecond: null,
    endedBy: 'model',
    errorCode: null,
    ...changes,
  };
}

/** Records are listed newest first. */
function tallyOf(...oldestFirst: RequestRecord[]): RequestTally {
  const tally = createRequestTally();
  tally.observe(oldestFirst.toReversed());
  return tally;
}

const refused = { status: 429, errorCode: 'queue-full', endedBy: 'corral' } as const;

describe('the tally of requests', () => {
  it('counts each record once, however often the list is shown to it', () => {
    const [one, two, three] = [record(), record(), record()];
    const tally = createRequestTally();
    tally.observe([one]);
    tally.observe([one]);
    tally.observe([three, two, one]);
    tally.observe([]);
    expect(tally.all().total).toBe(3);
  });

  it('knows success from failure', () => {
    const tally = tallyOf(
      record(),
      record({ status: 500 }),
      record({ status: null, endedBy: 'client' }),
      record(refused),
    );
    expect(tally.all()).toMatchObject({ total: 4, successful: 1, failed: 3, rejected: 1 });
  });

  it('has percentiles', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([percentileOf(hundred, 0.5), percentileOf(hundred, 0.95), percentileOf([], 0.5)]).toEqual([50, 95, 0]);
  });
});

describe('queue statistics', () => {
  it('have the keys that dashboards read', () => {
    const models = [modelView({ id: 'a', activeRequests: 2, waitingRequests: 3 }), modelView({ id: 'b' })];
    expect(queueStats(models, tallyOf(record(), record(refused)))).toEqual({
      summary: { total_queued: 3, total_processing: 2, total_processed: 1, total_rejected: 1 },
      per_model: {
        a: {
          queue_length: 3,
          total_requests: 7,
          total_processed: 1,
          total_rejected: 1,
          current_processing: 2,
          processing: true,
        },
        b: {
          queue_length: 0,
          total_requests: 0,
          total_processed: 0,
          total_rejected: 0,
          current_processing: 0,
          processing: false,
        },
      },
    });
  });
});

describe('the summary of telemetry', () => {
  it('says that there is none', () => {
    expect(telemetrySummary(createRequestTally())).toEqual({ message: 'No requests recorded yet' });
  });

  it('has the keys that dashboards read', () => {
    const tally = tallyOf(
      record(),
      record({ durationMs: 3000 }),
      record({ status: 502, errorCode: 'upstream-unavailable' }),
    );
    expect(telemetrySummary(tally)).toEqual({
      total_requests: 3,
      successful: 2,
      failed: 1,
      success_rate: 66.67,
      response_time_stats: { avg: 2, min: 1, max: 3, p50: 1, p95: 3 },
      tokens_generated: 21,
      prompt_tokens: 9,
      per_model: {
        a: {
          total_requests: 3,
          successful: 2,
          failed: 1,
          success_rate: 66.67,
          avg_response_time: 2,
          tokens_generated: 21,
        },
      },
    });
  });
});

describe('metrics', () => {
  it('have the names that are scraped', () => {
    const text = metricsText(tallyOf(record(), record(refused)), {
      modelsLoaded: 2,
      modelsEjected: 1,
      modelsActive: 1,
      vram: { totalBytes: 30, usedBytes: 10, freeBytes: 20 },
    });
    const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(samples).toEqual([
      'requests_total{endpoint="/v1/chat/completions"} 2',
      'requests_success{endpoint="/v1/chat/completions"} 1',
      'requests_failed{endpoint="/v1/chat/completions"} 1',
      'request_duration_seconds_avg{endpoint="/v1/chat/completions"} 1',
      'request_duration_seconds_p95{endpoint="/v1/chat/completions"} 1',
      'models_loaded_total 2',
      'models_ejected_total 1',
      'models_active 1',
      'vram_total_bytes 30',
      'vram_used_bytes 10',
      'vram_free_bytes 20',
    ]);
    expect(text.endsWith('\n')).toBe(true);
  });
});
