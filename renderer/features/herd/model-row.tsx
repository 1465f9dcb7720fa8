import { ChevronDown, ChevronRight, Pin } from 'lucide-react';
import { useCallback, type KeyboardEvent } from 'react';
import type { LoadPlanView } from '#shared/contract/memory.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import { StateDot } from '../../components/state-dot.tsx';
import { useEngine } from '../../store/engine-context.ts';
import { useTimedText } from '../../store/use-now.ts';
import { describeActivity, describeMemory, describeState } from './describe-model.ts';
import { ModelDetails } from './model-details.tsx';
import { ModelProblem } from './model-problem.tsx';
import { RowActions } from './row-actions.tsx';
import styles from './model-row.module.css';

export interface ModelRowProps {
  readonly model: ModelView;
  readonly colour: number;
  readonly plan: LoadPlanView | undefined;
  readonly isOpen: boolean;
  onToggle(): void;
}

/** One model. Enter loads, Backspace ejects, space or a click opens the details. */
export function ModelRow({ model, colour, plan, isOpen, onToggle }: ModelRowProps) {
  const { actions } = useEngine();
  const activity = useTimedText(useCallback((now) => describeActivity(model, plan, now), [model, plan]));
  const detailsId = `details-${model.id}`;

  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    if (event.target !== event.currentTarget || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'Enter' && !isResident(model.state)) {
      event.preventDefault();
      void actions.load(model.id);
    } else if ((event.key === 'Backspace' || event.key === 'Delete') && isResident(model.state)) {
      event.preventDefault();
      void actions.eject(model.id, 'when-idle');
    }
  };

  return (
    <li className={styles['row']} data-model={model.id} data-state={model.state}>
      <div className={styles['line']}>
        <button
          type="button"
          className={styles['head']}
          data-row-head
          aria-expanded={isOpen}
          aria-controls={detailsId}
          aria-keyshortcuts="Enter Backspace"
          onKeyDown={onKeyDown}
          onClick={onToggle}
        >
          {isOpen ? <ChevronDown size={14} aria-hidden /> : <ChevronRight size={14} aria-hidden />}
          <StateDot state={model.state} colour={colour} />
          <span className={styles['name']}>
            <span className={styles['id']} title={model.id}>
              {model.id}
            </span>
            {model.isPinned ? <Pin size={12} aria-label="pinned" /> : null}
            {model.isDemo ? <span className={styles['tag']}>demo</span> : null}
          </span>
          <span className={styles['state']}>{describeState(model)}</span>
          <span className={styles['memory']}>{describeMemory(model, plan)}</span>
          <span className={styles['activity']}>{activity}</span>
        </button>
        <RowActions model={model} plan={plan} />
      </div>
      {model.state === 'loading' && model.loadProgress !== null ? (
        <progress
          className={styles['progress']}
          value={model.loadProgress}
          max={1}
          aria-label={`Loading ${model.id}`}
        />
      ) : null}
      <ModelProblem model={model} />
      <div id={detailsId} hidden={!isOpen}>
        {isOpen ? <ModelDetails model={model} plan={plan} /> : null}
      </div>
    </li>
  );
}
