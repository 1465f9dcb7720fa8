import { useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Page } from '../../components/page.tsx';
import { EmptyState } from '../../components/states.tsx';
import { useAppStore } from '../../store/app-store.ts';
import { useEngine } from '../../store/engine-context.ts';
import { navigate } from '../../store/navigate.ts';
import { orderHerd, selectColours } from '../../store/selectors.ts';
import { usePlans } from '../../store/use-plans.ts';
import { useStableOrder } from '../../store/use-stable-order.ts';
import { DeviceStrip } from './device-strip.tsx';
import { FirstSteps } from './first-steps.tsx';
import styles from './herd-page.module.css';
import { ModelRow } from './model-row.tsx';
import { PoolList } from './pool-list.tsx';

/** Home: what is loaded, what it costs, who waits, and what loading something else would do. */
export function HerdPage() {
  const models = useAppStore(({ snapshot }) => snapshot?.models ?? none);
  const devices = useAppStore(({ snapshot }) => snapshot?.memory.devices ?? none);
  const isGameMode = useAppStore(({ snapshot }) => snapshot?.memory.isGameMode === true);
  const hasPools = useAppStore(({ snapshot }) => snapshot !== undefined && snapshot.pools.length > 0);
  const { actions } = useEngine();
  const plans = usePlans();
  const [openId, setOpenId] = useState<string | undefined>(undefined);
  const colours = selectColours(models);
  const { items: ordered, holdProps } = useStableOrder(orderHerd(models), ({ id }) => id);
  const hasLoaded = models.some(({ state }) => state !== 'off' && state !== 'failed');

  return (
    <Page
      title="Herd"
      actions={
        <>
          <Button disabled={!hasLoaded} onClick={() => void actions.ejectAll()}>
            Eject all
          </Button>
          <Button aria-pressed={isGameMode} onClick={() => void actions.setGameMode(!isGameMode)}>
            Game mode {isGameMode ? 'on' : 'off'}
          </Button>
        </>
      }
    >
      <DeviceStrip devices={devices} colours={colours} />
      <FirstSteps />
      {ordered.length === 0 && hasPools ? (
        <EmptyState title="No models on this machine">
          <p>The servers below answer for all that clients ask for.</p>
          <Button onClick={() => navigate('catalog', 'add')}>Add a model</Button>
        </EmptyState>
      ) : (
        <ul className={styles['herd']} aria-label="Models" {...holdProps} onKeyDown={(event) => moveBetweenRows(event)}>
          {ordered.map((model) => (
            <ModelRow
              key={model.id}
              model={model}
              colour={colours.get(model.id) ?? 0}
              plan={plans.get(model.id)}
              isOpen={openId === model.id}
              onToggle={() => setOpenId((open) => (open === model.id ? undefined : model.id))}
            />
          ))}
        </ul>
      )}
      <PoolList />
    </Page>
  );
}

const none: readonly never[] = [];

/** Arrows go from row to row; what they do there is the row's business. */
function moveBetweenRows(event: React.KeyboardEvent<HTMLUListElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const row = (event.target as HTMLElement).closest('[data-row-head]');
  if (step === undefined || row !== event.target) return;
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-row-head]')];
  const next = rows[rows.indexOf(row as HTMLElement) + step];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}
