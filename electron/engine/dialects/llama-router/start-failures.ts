import type { ModelView } from '#shared/contract/snapshot.ts';

/** Hears of models that were not ready in time, in the words that people look for in llama-router's log. */
export function createStartFailures({ log }: { log(line: string): void }): { observe(model: ModelView): void } {
  /** Where each was told to listen. */
  const places = new Map<string, string>();
  /** When the exits that were told of happened. */
  const told = new Map<string, number>();
  return {
    observe({ id, commandLine, problem, lastExit }) {
      if (commandLine !== null) places.set(id, placeOf(commandLine));
      if (problem?.details?.['reason'] !== 'timed-out' || lastExit === null || told.get(id) === lastExit.at) return;
      told.set(id, lastExit.at);
      const { limitMs } = problem.details;
      log(`Backend for ${id} did not become ready on port ${places.get(id) ?? 'unknown'} within ${String(limitMs)} ms`);
    },
  };
}

/** The port, or the socket that stands in its place. */
function placeOf(commandLine: readonly string[]): string {
  const after = (flag: string): string | undefined => {
    const at = commandLine.lastIndexOf(flag);
    return at === -1 ? undefined : commandLine[at + 1];
  };
  return after('--port') ?? after('--host') ?? 'unknown';
}
