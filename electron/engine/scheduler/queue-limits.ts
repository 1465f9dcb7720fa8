import type { WaitingLine } from './waiting-line.ts';

/** Why there are too many in the line, those counted that were just added; undefined if there are not. Pure. */
export function explainFull(
  modelId: string,
  modelMax: number,
  totalMax: number,
  line: Pick<WaitingLine, 'countRequests'>,
): string | undefined {
  if (line.countRequests(modelId) > modelMax)
    return `The queue of model "${modelId}" is full: ${modelMax} requests wait already (queue.max).`;
  if (line.countRequests() > totalMax)
    return `The queue is full: ${totalMax} requests wait already (scheduler.maxQueued).`;
  return undefined;
}
