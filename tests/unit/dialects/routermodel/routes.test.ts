import { describe, expect, it } from 'vitest';
import type { ToldError } from '../../../../electron/engine/dialects/error-envelope.ts';
import { routerModelErrors } from '../../../../electron/engine/dialects/routermodel/error-answer.ts';
import { translatePriority } from '../../../../electron/engine/dialects/routermodel/priority.ts';
import { findAppRoute } from '../../../../electron/engine/dialects/routermodel/routes.ts';

describe('routes', () => {
  it.each([
    ['GET', '/v1/models', { kind: 'models' }],
    ['GET', '/health', { kind: 'health' }],
    ['GET', '/metrics', { kind: 'metrics' }],
    ['GET', '/vram', { kind: 'vram' }],
    ['GET', '/vram/summary', { kind: 'vram-summary' }],
    ['GET', '/vram/models/a', { kind: 'vram-model', model: 'a' }],
    ['GET', '/v1/health/models', { kind: 'models-health' }],
    ['GET', '/v1/queue/stats', { kind: 'queue-stats' }],
    ['GET', '/v1/telemetry/summary', { kind: 'telemetry' }],
    ['GET', '/v1/models/qwen3-4b-chat/status', { kind: 'loading-status', model: 'qwen3-4b-chat' }],
    ['GET', '/v1/models/org/m/status', { kind: 'loading-status', model: 'org/m' }],
    ['GET', '/v1/models/failed', { kind: 'failed' }],
    ['POST', '/v1/models/eject', { kind: 'eject' }],
    ['POST', '/v1/models/a/reset', { kind: 'reset', model: 'a' }],
    ['GET', '/v1/models/status', { kind: 'status' }],
    ['GET', '/v1/models/status/', { kind: 'status' }],
    ['GET', '/v1/models/status/stream', { kind: 'status-stream' }],
    ['GET', '/v1/models/status/file', { kind: 'status-file' }],
    ['GET', '/v1/models/status/a', { kind: 'model-status', model: 'a' }],
    ['GET', '/v1/models/status/a%2Fb', { kind: 'model-status', model: 'a/b' }],
    ['GET', '/v1/models/eject', { kind: 'wrong-method', allowed: 'POST' }],
    ['GET', '/v1/models/a/reset', { kind: 'wrong-method', allowed: 'POST' }],
    ['POST', '/vram', { kind: 'wrong-method', allowed: 'GET' }],
    ['POST', '/v1/chat/completions', undefined],
    ['GET', '/nowhere', undefined],
    ['GET', '/constructor', undefined],
  ])('%s %s', (method, pathname, expected) => {
    expect(findAppRoute(method, pathname)).toEqual(expected);
  });
});

describe('failures', () => {
  const told = (changes: Partial<ToldError>): ToldError => ({
    code: 'internal',
    status: 500,
    message: 'why',
    details: undefined,
    ...changes,
  });

  it.each([
    [told({ code: 'model-missing', status: 400 }), 400],
    [told({ code: 'not-found', status: 404 }), 404],
    [told({ code: 'queue-full', status: 429 }), 503],
    [told({ code: 'queue-timeout', status: 503 }), 504],
    [told({ code: 'no-room', status: 503 }), 503],
    [told({ code: 'model-failed', status: 503 }), 503],
    [told({ code: 'shutting-down', status: 503 }), 503],
    [told({ code: 'too-large', status: 413 }), 413],
  ])('%j is %d with a detail', (error, status) => {
    const answer = routerModelErrors.answer(error);
    expect(answer).toMatchObject({ status, body: '{"detail":"why"}' });
  });

  it('tell of want of memory in an envelope of its own', () => {
    const details = { model: 'a', requiredBytes: 9 * 2 ** 20, availableBytes: 4 * 2 ** 20, loadedModels: ['b'] };
    const { status, body } = routerModelErrors.answer(told({ code: 'no-room', status: 503, details }));
    expect(status).toBe(503);
    expect(JSON.parse(body)).toEqual({
      detail: {
        error: {
          message: 'why',
          type: 'insufficient_vram_error',
          code: 'vram_exhausted',
          model: 'a',
          required_mb: 9,
          available_mb: 4,
          loaded_models: ['b'],
        },
      },
    });
  });
});

describe('priorities', () => {
  it.each([
    ['high', '10'],
    ['HIGH', '10'],
    ['low', '-10'],
    ['normal', '0'],
    ['whatever', '0'],
    [undefined, undefined],
  ])('%s', (written, expected) => {
    const headers = { 'x-request-priority': written };
    translatePriority(headers);
    expect(headers['x-request-priority']).toBe(expected);
  });
});
