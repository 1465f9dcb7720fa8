import type { ModelView } from '#shared/contract/snapshot.ts';

/** Hears of models that were not ready in time, in the words that people look for in llama-router's log. */
export function createStartFailures({
  startTimeoutMs,
  log,
}: {
  startTimeoutMs(modelId: string): number;
  log(line: string): void;
}): { observe(model: ModelView): void } {
  /** Where each was started last; a process that is gone has no address any more. */
  const addresses = new Map<string, string>();
  /** When the exits that were told of happened. */
  const told = new Map<string, number>();
  return {
    observe({ id, address, problem, lastExit }) {
      if (address !== null) addresses.set(id, address);
      if (problem?.details?.['reason'] !== 'timed-out' || lastExit === null || told.get(id) === lastExit.at) return;
      told.set(id, lastExit.at);
      log(
        `Backend for ${id} did not become ready on port ${portOf(addresses.get(id))} within ${startTimeoutMs(id)} ms`,
      );
    },
  };
}

/** The number, or the socket that stands in its place. */
function portOf(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  return /:(\d+)$/.exec(address)?.[1] ?? address;
}
