import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '#shared/contract/errors.ts';
import type { RemoteModel } from './pool-names.ts';

/**
 * Names the Corrals a request came through, oldest first. Two that point at each other would else pass a request around for
 * ever, each with a fresh connection and a fresh log line.
 */
export const VIA_HEADER = 'x-corral-via';

/** Says who answers, to those who send `VIA_HEADER`. */
export const INSTANCE_HEADER = 'x-corral-instance';

/** More machines in a row than anybody has, and few enough to end before it hurts. */
export const MAX_HOPS = 8;

const ID = /^[a-z0-9]{1,64}$/i;

export function readVia(headers: IncomingHttpHeaders): readonly string[] {
  const header = headers[VIA_HEADER];
  if (header === undefined) return [];
  return [header]
    .flat()
    .join(',')
    .split(',')
    .map((id) => id.trim())
    .filter((id) => ID.test(id))
    .slice(0, MAX_HOPS + 1);
}

/** What the header says once a request leaves this Corral. */
export function nextVia(via: readonly string[], ownId: string): string {
  return [...via, ownId].join(', ');
}

/** Refuses a request that was here before, or has come too far. Pure. */
export function checkHops(via: readonly string[], ownId: string, pool: string): AppError | undefined {
  if (via.includes(ownId)) {
    return new AppError(
      'loop-detected',
      `This request has been here before: an endpoint of pool "${pool}", or one further on, leads back to this Corral. ` +
        'Take that endpoint out of one of the two, or name the models each endpoint serves.',
    );
  }
  if (via.length < MAX_HOPS) return undefined;
  return new AppError(
    'loop-detected',
    `This request came through ${via.length} Corrals already, and pool "${pool}" would pass it on to another one. ` +
      'Point the pool at the machine that has the model.',
  );
}

/**
 * What of another Corral's list may be listed here: without models that it has from here, or from too far away. Each Corral
 * puts its own id before the way a model came, so that a model which is gone at its source is soon gone everywhere. Pure.
 */
export function withoutOwnModels(
  models: ReadonlyMap<string, RemoteModel>,
  sourceId: string | undefined,
  ownId: string,
): ReadonlyMap<string, RemoteModel> {
  if (sourceId === ownId) return new Map();
  const kept = new Map<string, RemoteModel>();
  for (const [id, model] of models) {
    const via = sourceId === undefined ? viaOf(model) : [sourceId, ...viaOf(model)];
    if (via.includes(ownId) || via.length > MAX_HOPS) continue;
    kept.set(id, sourceId === undefined ? model : { ...model, corral: { ...asRecord(model['corral']), via } });
  }
  return kept;
}

/** The Corrals that a listed model is behind, the nearest first. */
export function viaOf(model: RemoteModel): readonly string[] {
  const via = asRecord(model['corral'])['via'];
  return Array.isArray(via) ? via.filter((id): id is string => typeof id === 'string' && ID.test(id)) : [];
}

function asRecord(value: unknown): RemoteModel {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as RemoteModel) : {};
}
