import type { ReactNode } from 'react';
import type { RequestRecord } from '#shared/contract/request-record.ts';
import { CopyButton } from '../../components/copy-button.tsx';
import { ModelLink } from '../../components/model-link.tsx';
import { formatCount, formatSpeed, formatWait } from './format-request.ts';
import { describeEnd, formatJson } from './request-list.ts';
import styles from './request-table.module.css';

/** Everything that is remembered of a request. */
export function RequestDetails({ request }: { readonly request: RequestRecord }) {
  const { id, at, modelId, lane, route, isStreaming, status, errorCode } = request;
  return (
    <div role="row" className={styles['details']}>
      <div role="cell">
        <dl className={styles['facts']}>
          <Fact name="Request">{id === '' ? 'refused before it was queued' : id}</Fact>
          <Fact name="Arrived">{new Date(at).toLocaleString()}</Fact>
          <Fact name="Model">
            <ModelLink id={modelId} />
          </Fact>
          <Fact name="Lane">{lane}</Fact>
          <Fact name="Route">
            {route}
            {isStreaming ? ', streamed' : ', in one piece'}
          </Fact>
          <Fact name="Ended">
            {describeEnd(request)}
            {status === null ? ', before it got a status' : `, status ${status}`}
            {errorCode === null ? '' : `, ${errorCode}`}
          </Fact>
          <Fact name="Waited">
            {formatWait(request.queueWaitMs)} for a slot or room, {formatWait(request.loadWaitMs)} for the load
          </Fact>
          <Fact name="First byte after">{formatWait(request.ttftMs)}</Fact>
          <Fact name="Took">{formatWait(request.durationMs)}</Fact>
          <Fact name="Tokens">
            {formatCount(request.promptTokens)} in, {formatCount(request.completionTokens)} out,{' '}
            {formatSpeed(request.tokensPerSecond)} tok/s
          </Fact>
        </dl>
        <CopyButton text={formatJson(request)} label={`Copy request ${id} of ${modelId} as JSON`} />
      </div>
    </div>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
