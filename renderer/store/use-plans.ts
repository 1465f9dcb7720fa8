import { useEffect, useRef, useState } from 'react';
import type { LoadPlanView } from '#shared/contract/memory.ts';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import { useAppStore } from './app-store.ts';
import { useEngine } from './engine-context.ts';

/** A plan takes a look at the devices; this often is as good as at once for a person. */
const MIN_INTERVAL_MS = 1500;
const MAX_PLANNED = 60;
/** Free memory moves all the time; less than this changes no plan that anybody would notice. */
const GRAIN_BYTES = 256e6;

/** What loading each model that is off would take and do, kept up to date as long as the page is open. */
export function usePlans(): ReadonlyMap<string, LoadPlanView> {
  const { bridge } = useEngine();
  const signature = useAppStore(({ snapshot, connection }) =>
    snapshot === undefined || connection.status !== 'live' ? undefined : planSignature(snapshot),
  );
  const [plans, setPlans] = useState<ReadonlyMap<string, LoadPlanView>>(() => new Map());
  const lastAt = useRef(0);

  useEffect(() => {
    if (signature === undefined) return undefined;
    const gone = new AbortController();
    const fetchAll = async (): Promise<void> => {
      lastAt.current = Date.now();
      const found = new Map<string, LoadPlanView>();
      for (const id of offModels(useAppStore.getState().snapshot)) {
        try {
          const { plan } = await bridge.call('plan-load', { model: id }, gone.signal);
          found.set(id, plan);
        } catch {
          if (gone.signal.aborted) return;
          // A model that went meanwhile, or a lost connection: there is no plan, and the row says nothing of it.
        }
      }
      if (!gone.signal.aborted) setPlans(found);
    };
    const timer = setTimeout(() => void fetchAll(), Math.max(0, lastAt.current + MIN_INTERVAL_MS - Date.now()));
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [bridge, signature]);

  return plans;
}

function offModels(snapshot: Snapshot | undefined): string[] {
  return (snapshot?.models ?? [])
    .filter(({ state }) => !isResident(state))
    .slice(0, MAX_PLANNED)
    .map(({ id }) => id);
}

/** Changes when a plan might. */
export function planSignature({ models, memory, engine }: Snapshot): string {
  return JSON.stringify([
    engine.status,
    models.map(({ id, state, isPinned, activeRequests, need }) => [
      id,
      isResident(state),
      isPinned,
      activeRequests > 0,
      need?.source,
    ]),
    memory.devices.map(({ id, budgetBytes, usedByOthersBytes, models: held }) => [
      id,
      budgetBytes,
      Math.round(usedByOthersBytes / GRAIN_BYTES),
      held,
    ]),
  ]);
}
