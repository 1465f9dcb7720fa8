import type { LoadPlanView } from '#shared/contract/memory.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { formatSize } from '#shared/model/units.ts';

/** What the table of needs says of a model. Pure. */

const sources = {
  measured: 'measured',
  forecast: 'llama-server’s forecast',
  estimate: 'estimate from the file',
  unknown: 'unknown before its first load',
} as const;

/** Where the number comes from, best first: a run of the same, llama-server, the file. */
export function describeSource({ kind, need }: ModelView, plan: LoadPlanView | undefined): string {
  const source = need?.source ?? plan?.need?.source;
  if (source !== undefined) return sources[source];
  return kind === 'command' ? 'its own command: Corral cannot tell' : 'not asked for yet';
}

/** One line for each device, largest first; a prediction is marked. */
export function bytesByDevice(bytes: Readonly<Record<string, number>>, isPrediction = false): string[] {
  return Object.entries(bytes)
    .filter(([, each]) => each > 0)
    .sort(([, left], [, right]) => right - left)
    .map(([device, each]) => `${isPrediction ? '≈' : ''}${formatSize(each)} of ${device}`);
}

/** What is expected of a load as the model is configured now: where it would go, or what it was expected to take the last time. */
export function predictedLines(model: ModelView, plan: LoadPlanView | undefined): string[] {
  const placed = bytesByDevice(plan?.placement ?? {}, plan?.need?.source !== 'measured');
  if (placed.length > 0) return placed;
  const earlier = bytesByDevice(model.needHistory?.predictedBytes ?? {}, true);
  if (earlier.length > 0) return earlier;
  const need = model.need ?? plan?.need ?? null;
  if (need === null || need.source === 'unknown') return [];
  const total = need.offloadedBytes > 0 ? need.offloadedBytes + need.hostBytes : need.cpuBytes;
  return total > 0 ? [`≈${formatSize(total)}`] : [];
}

/** The context that the model runs with or would, and who chose it. */
export function describeContext(model: ModelView, plan: LoadPlanView | undefined): string {
  if (model.contextSize !== null) return `${model.contextSize} tokens`;
  const chosen = model.need?.contextSize ?? plan?.need?.contextSize ?? null;
  return chosen === null ? '' : `≈${chosen} tokens`;
}
