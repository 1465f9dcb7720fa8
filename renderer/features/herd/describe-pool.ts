import type { PoolView } from '#shared/contract/snapshot.ts';
import { formatDuration } from '#shared/model/units.ts';

/** What is said of pools and their endpoints. Pure. */

export type EndpointView = PoolView['endpoints'][number];

/** Below this the age of a check says nothing but that checks go on. */
const JUST_NOW_MS = 100_000;

export function describeHealth({ health, isResting }: EndpointView): string {
  switch (health) {
    case 'unknown':
      return 'not checked yet';
    case 'healthy':
      return isResting ? 'healthy, left alone' : 'healthy';
    case 'loading':
    case 'down':
      return health;
  }
}

export function describeRunning({ activeRequests, concurrency }: EndpointView): string {
  return concurrency === null ? `${activeRequests} running` : `${activeRequests} of ${concurrency} running`;
}

export function describeListed({ health, modelCount }: EndpointView): string {
  if (modelCount !== null) return `${modelCount} ${modelCount === 1 ? 'model' : 'models'}`;
  // Its list is asked for with the first check.
  return health === 'healthy' ? 'lists no models' : '';
}

export function describeCheck({ checkedAt }: EndpointView, now: number): string {
  if (checkedAt === null) return '';
  const ageMs = now - checkedAt;
  return ageMs < JUST_NOW_MS ? 'checked just now' : `checked ${formatDuration(ageMs)} ago`;
}

/** Undefined while it can be used, or needs nothing but time. */
export function describeProblem({ health, problem }: EndpointView): string | undefined {
  if (health !== 'down' || problem === null) return undefined;
  return `Cannot be used: ${problem}. Corral asks it again by itself, at least once a minute.`;
}

/** `1 of 2 healthy · 7 users remembered`. */
export function describePool({ endpoints, sticky, stickyUsers }: PoolView): string {
  const healthy = endpoints.filter(({ health }) => health === 'healthy').length;
  const parts = [`${healthy} of ${endpoints.length} healthy`];
  if (sticky === 'user') parts.push(`${stickyUsers} ${stickyUsers === 1 ? 'user' : 'users'} remembered`);
  return parts.join(' · ');
}
