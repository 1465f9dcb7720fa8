import type { LoadPlanView } from '#shared/contract/memory.ts';
import { describePlan } from '#shared/model/describe-plan.ts';
import { useEngine } from '../store/engine-context.ts';
import { Button } from './button.tsx';
import styles from './load-button.module.css';
import { Popover, PopoverClose } from './popover.tsx';

/** Loads at once where that costs nobody anything; else it shows the plan first. */
export function LoadButton({ id, plan }: { readonly id: string; readonly plan: LoadPlanView | undefined }) {
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
