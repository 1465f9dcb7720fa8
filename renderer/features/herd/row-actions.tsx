import { Pin, PinOff } from 'lucide-react';
import type { LoadPlanView } from '#shared/contract/memory.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { describePlan } from '#shared/model/describe-plan.ts';
import { Button } from '../../components/button.tsx';
import { EjectMenu } from '../../components/eject-menu.tsx';
import { Popover, PopoverClose } from '../../components/popover.tsx';
import { useEngine } from '../../store/engine-context.ts';
import styles from './row-actions.module.css';

/** The verbs of a row: Load or Why?, Eject and how, Cancel while it starts, Reset after it failed, Pin. */
export function RowActions({ model, plan }: { readonly model: ModelView; readonly plan: LoadPlanView | undefined }) {
  return (
    <div className={styles['actions']}>
      <MainAction model={model} plan={plan} />
      <PinButton model={model} />
    </div>
  );
}

function MainAction({ model, plan }: { readonly model: ModelView; readonly plan: LoadPlanView | undefined }) {
  const { actions } = useEngine();
  const { id } = model;
  switch (model.state) {
    case 'off':
    case 'crashed':
      return <LoadButton id={id} plan={plan} />;
    case 'failed':
      return <Button onClick={() => void actions.reset(id)}>Reset</Button>;
    case 'starting':
    case 'loading':
      return (
        <Button aria-label={`Cancel loading ${id}`} onClick={() => void actions.eject(id, 'now')}>
          Cancel
        </Button>
      );
    case 'ready':
    case 'draining':
      return <EjectMenu id={model.id} />;
    case 'stopping':
      return <Button disabled>Stopping</Button>;
  }
}

/** Loads at once where that costs nobody anything; else it shows the plan first. */
function LoadButton({ id, plan }: { readonly id: string; readonly plan: LoadPlanView | undefined }) {
  const { actions } = useEngine();
  const load = (): void => void actions.load(id);
  if (plan === undefined || plan.outcome === 'fits' || plan.outcome === 'unknown') {
    return (
      <Button aria-label={`Load ${id}`} onClick={load}>
        Load
      </Button>
    );
  }
  const isRoomless = plan.outcome === 'no-room';
  return (
    <Popover
      title={isRoomless ? `Why ${id} won’t fit` : `Load ${id}?`}
      trigger={
        <Button aria-label={isRoomless ? `Why ${id} won’t fit` : `Load ${id}`}>{isRoomless ? 'Why?' : 'Load…'}</Button>
      }
    >
      <ul className={styles['plan']}>
        {describePlan(plan).map((line) => (
          <li key={line}>{line.trim()}</li>
        ))}
      </ul>
      {isRoomless ? null : (
        <PopoverClose
          render={
            <Button kind="primary" onClick={load}>
              Load
            </Button>
          }
        />
      )}
    </Popover>
  );
}

function PinButton({ model: { id, isPinned } }: { readonly model: ModelView }) {
  const { actions } = useEngine();
  const label = isPinned ? `Unpin ${id}` : `Pin ${id}`;
  return (
    <Button
      kind="quiet"
      aria-label={label}
      title={isPinned ? 'Pinned: it stays loaded' : 'Pin: never ejected to make room or for being idle'}
      aria-pressed={isPinned}
      onClick={() => void actions.setPinned(id, !isPinned)}
    >
      {isPinned ? <PinOff size={14} aria-hidden /> : <Pin size={14} aria-hidden />}
    </Button>
  );
}
