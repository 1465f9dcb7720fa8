import { describe, expect, it } from 'vitest';
import {
  describeCheck,
  describeHealth,
  describeListed,
  describePool,
  describeProblem,
  describeRunning,
  type EndpointView,
} from '../../../../renderer/features/herd/describe-pool.ts';
import { endpointView, NOW_MS, poolView } from '../../../fakes/views.ts';

describe('an endpoint', () => {
  it.each<[Partial<EndpointView>, string]>([
    [{ health: 'unknown' }, 'not checked yet'],
    [{ health: 'healthy' }, 'healthy'],
    [{ health: 'healthy', isResting: true }, 'healthy, left alone'],
    [{ health: 'loading', problem: 'it is loading' }, 'loading'],
    [{ health: 'down', isResting: true }, 'down'],
  ])('%j is said to be %j', (changes, expected) => {
    expect(describeHealth(endpointView(changes))).toBe(expected);
  });

  it('says how much of its limit is in use, where it has one', () => {
    expect(describeRunning(endpointView({ activeRequests: 2 }))).toBe('2 running');
    expect(describeRunning(endpointView({ activeRequests: 2, concurrency: 8 }))).toBe('2 of 8 running');
  });

  it('tells a list that is empty from one that was never read', () => {
    expect(describeListed(endpointView({ modelCount: 1 }))).toBe('1 model');
    expect(describeListed(endpointView({ modelCount: 0 }))).toBe('0 models');
    expect(describeListed(endpointView({ modelCount: null }))).toBe('lists no models');
    expect(describeListed(endpointView({ modelCount: null, health: 'unknown' }))).toBe('');
    expect(describeListed(endpointView({ modelCount: null, health: 'down' }))).toBe('');
  });

  it('does not count the seconds since a check, and says when it is long ago', () => {
    const at = (ageMs: number): string => describeCheck(endpointView({ checkedAt: NOW_MS - ageMs }), NOW_MS);
    expect(at(0)).toBe('checked just now');
    expect(at(60_000)).toBe('checked just now');
    expect(at(8 * 60_000)).toBe('checked 8 min ago');
    expect(describeCheck(endpointView({ checkedAt: null }), NOW_MS)).toBe('');
  });

  it('has a problem only while it cannot be used', () => {
    expect(describeProblem(endpointView({ health: 'down', problem: 'its machine cannot be reached' }))).toBe(
      'Cannot be used: its machine cannot be reached. Corral asks it again by itself, at least once a minute.',
    );
    expect(describeProblem(endpointView({ health: 'loading', problem: 'it is loading' }))).toBeUndefined();
    expect(describeProblem(endpointView())).toBeUndefined();
  });
});

describe('a pool', () => {
  it('says how many of its endpoints are well and, where users stay, how many are remembered', () => {
    const endpoints = [endpointView(), endpointView({ health: 'down', problem: 'gone' })];
    expect(describePool(poolView({ endpoints }))).toBe('1 of 2 healthy');
    expect(describePool(poolView({ endpoints, sticky: 'user' }))).toBe('1 of 2 healthy · 0 users remembered');
    expect(describePool(poolView({ sticky: 'user', stickyUsers: 1 }))).toBe('1 of 1 healthy · 1 user remembered');
  });
});
