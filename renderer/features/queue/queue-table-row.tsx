import { X } from 'lucide-react';
import { Button } from '../../components/button.tsx';
import { ModelLink } from '../../components/model-link.tsx';
import { describeAge, describeExpected, type QueueRow } from './queue-rows.ts';
import styles from './queue-page.module.css';

export interface QueueTableRowProps {
  readonly row: QueueRow;
  /** One of CSS. */
  readonly colour: string;
  readonly queueAt: number;
  readonly now: number;
  readonly isCancelling: boolean;
  onCancel(id: string): void;
}

/** One who waits. Delete or Backspace on it cancels. */
export function QueueTableRow({ row, colour, queueAt, now, isCancelling, onCancel }: QueueTableRowProps) {
  const { entry, isGone } = row;
  const { id, modelId, lane, priority, position, reason } = entry;
  const isIdle = isGone || isCancelling;
  return (
    <tr
      data-request={id}
      data-gone={isGone}
      onKeyDown={(event) => {
        if ((event.key !== 'Delete' && event.key !== 'Backspace') || isIdle) return;
        event.preventDefault();
        onCancel(id);
      }}
    >
      <td className={styles['number']}>{isGone ? '–' : position}</td>
      <th scope="row" className={styles['model']}>
        <span className={styles['dot']} style={{ background: colour }} aria-hidden />
        <ModelLink id={modelId} data-row-head aria-keyshortcuts="Delete Backspace" />
      </th>
      <td className={styles['lane']} title={lane}>
        {lane}
        {priority === 0 ? null : <span className={styles['priority']}>priority {priority}</span>}
      </td>
      <td className={styles['reason']}>{isGone ? 'no longer waits' : reason}</td>
      <td className={styles['number']}>{isGone ? '' : describeAge(entry, now)}</td>
      <td className={styles['number']}>{isGone ? '' : describeExpected(entry, queueAt, now)}</td>
      <td className={styles['act']}>
        <Button
          kind="quiet"
          aria-label={`Cancel request ${id} of ${modelId}`}
          aria-disabled={isIdle}
          title={`Cancel request ${id}`}
          onClick={() => {
            if (!isIdle) onCancel(id);
          }}
        >
          <X size={14} aria-hidden /> {isCancelling && !isGone ? 'Cancelling…' : 'Cancel'}
        </Button>
      </td>
    </tr>
  );
}
