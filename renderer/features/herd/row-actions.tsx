import { Pin, PinOff } from 'lucide-react';
import type { LoadPlanView } from '#shared/contract/memory.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { Button } from '../../components/button.tsx';
import { EjectMenu } from '../../components/eject-menu.tsx';
import { LoadButton } from '../../components/load-button.tsx';
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
