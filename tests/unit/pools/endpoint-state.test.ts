import { describe, expect, it } from 'vitest';
import {
  initialEndpointState,
  nextEndpointState,
  readRetryAfter,
  type EndpointNews,
} from '../../../electron/engine/pools/endpoint-state.ts';

const intervalMs = 15_000;
const at = (nowMs: number) => ({ nowMs, intervalMs });
const failed: EndpointNews = { kind: 'failed', reason: 'refused' };

describe('the state of an endpoint', () => {
  it('is asked at once, and then once an interval', () => {
    const first = initialEndpointState(100);
    expect(first).toMatchObject({ health: 'unknown', nextCheckMs: 100 });
    expect(nextEndpointState(first, { kind: 'answered' }, at(120))).toMatchObject({
      health: 'healthy',
      nextCheckMs: 120 + intervalMs,
    });
  });

  it('is asked ever more rarely while it is down, once a minute at least', () => {
    let state = initialEndpointState(0);
    const waits: number[] = [];
    for (let count = 0; count < 9; count += 1) {
      state = nextEndpointState(state, failed, at(0));
      waits.push(state.nextCheckMs);
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    expect(state).toMatchObject({ health: 'down', problem: 'refused', failures: 9 });
    const back = nextEndpointState(state, { kind: 'answered' }, at(5));
    expect(back).toMatchObject({ health: 'healthy', problem: undefined, failures: 0 });
  });

  it('is asked when it said, but no later than others', () => {
    const state = initialEndpointState(0);
    const loading = (retryAfterMs: number | undefined): number =>
      nextEndpointState(state, { kind: 'loading', retryAfterMs }, at(0)).nextCheckMs;
    expect([loading(undefined), loading(3000), loading(90_000)]).toEqual([1000, 3000, intervalMs]);
  });

  it.each([
    [503, undefined, 1000],
    [429, undefined, 1000],
    [503, 30_000, 30_000],
    [502, undefined, 5000],
    [504, undefined, 5000],
    [503, 3_600_000, 60_000],
  ])('is left alone after %s with Retry-After %s for %s ms', (status, retryAfterMs, expected) => {
    const healthy = nextEndpointState(initialEndpointState(0), { kind: 'answered' }, at(0));
    const state = nextEndpointState(healthy, { kind: 'refused', status, retryAfterMs }, at(50));
    expect(state).toEqual({ ...healthy, restsUntilMs: 50 + expected });
  });

  it('is asked at once after an answer that broke off, and not given up for it', () => {
    const healthy = nextEndpointState(initialEndpointState(0), { kind: 'answered' }, at(0));
    expect(nextEndpointState(healthy, { kind: 'broke-off' }, at(70))).toEqual({ ...healthy, nextCheckMs: 70 });
  });
});

describe('readRetryAfter', () => {
  const now = Date.UTC(2026, 0, 1);
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['soon', undefined],
    ['0', 0],
    ['7', 7000],
    [['9', '1'], 9000],
    ['Thu, 01 Jan 2026 00:00:05 GMT', 5000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ])('takes %j for %j ms', (header, expected) => {
    expect(readRetryAfter(header, now)).toBe(expected);
  });
});
