import { useMemo } from 'react';
import type { MemoryView } from '#shared/contract/memory.ts';
import { useAppStore } from '../../store/app-store.ts';
import { useCommand, type CommandResult } from '../../store/use-command.ts';
import { useNow } from '../../store/use-now.ts';
import { sampleOf, withLatest, type MemorySample } from './stack-history.ts';

/** What others use moves without an event worth a fetch; this often it is fetched again. */
const REFRESH_MS = 30_000;
const TICK_MS = 5000;

export interface LiveHistory {
  /** Ends with what is true now. */
  readonly samples: readonly MemorySample[];
  readonly intervalMs: number;
  readonly error: CommandResult<'read-memory-history'>['error'];
  readonly isLoading: boolean;
  reload(): void;
}

/** The stored history, fetched again whenever a model takes or gives back memory, and the snapshot as its newest sample. */
export function useMemoryHistory(memory: MemoryView): LiveHistory {
  const now = useNow(TICK_MS);
  const isLive = useAppStore(({ connection }) => connection.status === 'live');
  const updatedAt = useAppStore((state) => state.updatedAt);
  const holdings = JSON.stringify(memory.devices.map(({ id, models }) => [id, models]));
  const { data, error, isLoading, reload } = useCommand(
    'read-memory-history',
    {},
    `${Math.floor(now / REFRESH_MS)} ${holdings}`,
  );
  const at = isLive ? now : updatedAt;
  const samples = useMemo(() => withLatest(data?.samples ?? [], sampleOf(memory, at)), [data, memory, at]);
  return {
    samples,
    intervalMs: data?.intervalMs ?? TICK_MS,
    error,
    isLoading: isLoading && data === undefined,
    reload,
  };
}
