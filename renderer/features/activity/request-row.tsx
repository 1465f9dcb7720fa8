import { ChevronDown, ChevronRight } from 'lucide-react';
import { formatCount, formatMoment, formatSpeed, formatWait } from './format-request.ts';
import { RequestDetails } from './request-details.tsx';
import { describeEnd, isProblem, type ListedRequest } from './request-list.ts';
import styles from './request-table.module.css';

export interface RequestRowProps {
  readonly request: ListedRequest;
  readonly at: number;
  /** One of CSS. */
  readonly colour: string;
  readonly isOpen: boolean;
  readonly now: number;
  onToggle(key: string): void;
}

/** One request in a line; what there is not room for opens below it. */
export function RequestRow({ request, at, colour, isOpen, now, onToggle }: RequestRowProps) {
  const { key, modelId, lane, isStreaming, status, errorCode } = request;
  const detailsId = `request-${key.replaceAll(' ', '-')}`;
  const moment = formatMoment(request.at, now);
  const Chevron = isOpen ? ChevronDown : ChevronRight;
  return (
    <>
      <div
        role="row"
        aria-rowindex={at + 2}
        className={styles['row']}
        data-problem={isProblem(request)}
        data-request={request.id}
      >
        <span role="cell" className={styles['time']}>
          <button
            type="button"
            className={styles['toggle']}
            data-row-head
            aria-expanded={isOpen}
            aria-controls={detailsId}
            aria-label={`${moment}, details of this request to ${modelId}`}
            onClick={() => onToggle(key)}
          >
            <Chevron size={13} aria-hidden />
            {moment}
          </button>
        </span>
        <span role="cell" className={styles['model']} title={modelId}>
          <span className={styles['dot']} style={{ background: colour }} aria-hidden />
          {modelId}
        </span>
        <span role="cell" className={styles['soft']} title={lane}>
          {lane}
        </span>
        <span role="cell" className={styles['soft']} title={`${request.route}${isStreaming ? ', streamed' : ''}`}>
          {shortenRoute(request.route)}
          {isStreaming ? ' ⇢' : ''}
        </span>
        <span role="cell" className={styles['number']}>
          {formatWait(request.queueWaitMs)}
        </span>
        <span role="cell" className={styles['number']}>
          {formatWait(request.loadWaitMs)}
        </span>
        <span role="cell" className={styles['number']}>
          {formatWait(request.ttftMs)}
        </span>
        <span role="cell" className={styles['number']}>
          {formatCount(request.promptTokens)}
        </span>
        <span role="cell" className={styles['number']}>
          {formatCount(request.completionTokens)}
        </span>
        <span role="cell" className={styles['number']}>
          {formatSpeed(request.tokensPerSecond)}
        </span>
        <span role="cell" className={styles['number']}>
          {formatWait(request.durationMs)}
        </span>
        <span role="cell" className={styles['end']} title={describeEnd(request)}>
          {status ?? '–'} {isProblem(request) ? (errorCode ?? describeEnd(request)) : ''}
        </span>
      </div>
      <div id={detailsId} hidden={!isOpen}>
        {isOpen ? <RequestDetails request={request} /> : null}
      </div>
    </>
  );
}

/** What all routes have in common says nothing. */
function shortenRoute(route: string): string {
  return route.replace(/^\/v1\//, '');
}
