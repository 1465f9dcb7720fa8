import { describe, expect, it } from 'vitest';
import type { ToldError } from '../../../../electron/engine/dialects/error-envelope.ts';
import { llamaRouterErrors, NOT_PROXIED } from '../../../../electron/engine/dialects/llama-router/error-answer.ts';

function told(changes: Partial<ToldError>): ToldError {
  return { code: 'internal', status: 500, message: 'what Corral says', details: undefined, ...changes };
}

describe("llama-router's words for failures", () => {
  it.each([
    [told({ code: 'not-found', status: 404 }), 404, { error: 'model not found' }],
    [told({ code: 'unknown-route', status: 404 }), 404, { error: 'not found' }],
    [
      told({ code: 'unknown-route', status: 404, details: { reason: NOT_PROXIED } }),
      404,
      { error: 'endpoint not proxied' },
    ],
    [
      told({ code: 'invalid-request', status: 400 }),
      400,
      { error: 'invalid json or model missing', detail: 'what Corral says' },
    ],
    [
      told({ code: 'model-missing', status: 400 }),
      400,
      { error: 'invalid json or model missing', detail: 'what Corral says' },
    ],
    [
      told({ code: 'start-failed', status: 503 }),
      404,
      { error: 'failed to start process', detail: 'what Corral says' },
    ],
    [
      told({ code: 'start-failed', status: 503, details: { reason: 'timed-out' } }),
      404,
      { error: 'backend not ready', detail: 'what Corral says' },
    ],
    [
      told({ code: 'upstream-unavailable', status: 502 }),
      502,
      { error: 'upstream unavailable', detail: 'what Corral says' },
    ],
    [told({ code: 'queue-full', status: 429 }), 429, { error: 'what Corral says' }],
    [told({ code: undefined, status: 400 }), 400, { error: 'what Corral says' }],
  ])('%j', (error, status, body) => {
    const answer = llamaRouterErrors.answer(error);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual(body);
    expect(llamaRouterErrors.event(error)).toBe(`data: ${answer.body}\n\n`);
  });
});
