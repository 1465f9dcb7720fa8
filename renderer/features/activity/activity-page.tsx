import { useMemo, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { ChoiceGroup } from '../../components/choice-group.tsx';
import { CopyButton } from '../../components/copy-button.tsx';
import { Page } from '../../components/page.tsx';
import { Select } from '../../components/select.tsx';
import { Banner, EmptyState, ErrorState, LoadingState } from '../../components/states.tsx';
import { TextField } from '../../components/text-field.tsx';
import { useAppStore } from '../../store/app-store.ts';
import { copyText } from '../../store/copy-text.ts';
import { navigate } from '../../store/navigate.ts';
import { selectColours } from '../../store/selectors.ts';
import { useCommand } from '../../store/use-command.ts';
import { useThrottled } from '../../store/use-throttled.ts';
import { formatCount, formatSpeed, formatWait } from './format-request.ts';
import { RequestChart } from './request-chart.tsx';
import {
  distinct,
  filterRequests,
  formatJson,
  nameRequests,
  noFilter,
  summariseRequests,
  type ListedRequest,
} from './request-list.ts';
import { RequestTable } from './request-table.tsx';
import styles from './activity-page.module.css';

const LIMIT = 1000;
const REFETCH_MS = 1000;

/** Requests that ended: what they cost and how they ended. */
export function ActivityPage() {
  const version = useThrottled(
    useAppStore(({ recordedRequests }) => recordedRequests),
    REFETCH_MS,
  );
  const { data, error, reload } = useCommand('list-requests', { limit: LIMIT }, version);
  const [filter, setFilter] = useState(noFilter);
  const requests = useMemo(() => nameRequests(data?.requests ?? none), [data]);
  const shown = filterRequests(requests, filter);
  const change = (part: Partial<typeof filter>): void => setFilter((before) => ({ ...before, ...part }));

  if (data === undefined) {
    return (
      <Page title="Activity">
        {error === undefined ? (
          <LoadingState label="Reading what was recorded…" />
        ) : (
          <ErrorState title="What was recorded cannot be read" error={error} retry={reload} />
        )}
      </Page>
    );
  }
  if (requests.length === 0) {
    return (
      <Page title="Activity">
        <NothingYet />
      </Page>
    );
  }
  return (
    <Page
      title="Activity"
      isFilled
      actions={
        <Button
          disabled={shown.length === 0}
          onClick={() => void copyText(formatJson(shown), `${shown.length} requests as JSON`)}
        >
          Copy {shown.length} as JSON
        </Button>
      }
    >
      {error === undefined ? null : (
        <Banner kind="caution" actions={<Button onClick={reload}>Try again</Button>}>
          The newest requests could not be read: {error.message}
        </Banner>
      )}
      <Filters requests={requests} filter={filter} onChange={change} />
      <Summary requests={shown} isAll={requests.length < LIMIT} />
      {shown.length === 0 ? (
        <EmptyState title="No request matches">
          <Button onClick={() => setFilter(noFilter)}>Show all {requests.length}</Button>
        </EmptyState>
      ) : (
        <>
          <RequestChart requests={shown} />
          <Requests requests={shown} />
        </>
      )}
    </Page>
  );
}

const none: readonly never[] = [];

function Requests({ requests }: { readonly requests: readonly ListedRequest[] }) {
  const models = useAppStore(({ snapshot }) => snapshot?.models ?? none);
  return <RequestTable requests={requests} colours={selectColours(models)} />;
}

function NothingYet() {
  const address = useAppStore(({ snapshot }) => snapshot?.instance.address ?? '');
  return (
    <EmptyState title="No request has ended yet">
      <p>
        Each request shows here once it ends: how long it waited, how fast it was answered, and what went wrong. Send
        one to <code>{address}/v1</code>
        <CopyButton text={`${address}/v1`} label="Copy the address" />
      </p>
      <Button kind="primary" onClick={() => navigate('playground')}>
        Try it in the Playground
      </Button>{' '}
      <Button onClick={() => navigate('connect')}>Connect a program</Button>
    </EmptyState>
  );
}

function Filters({
  requests,
  filter,
  onChange,
}: {
  readonly requests: readonly ListedRequest[];
  readonly filter: typeof noFilter;
  onChange(part: Partial<typeof filter>): void;
}) {
  const choicesOf = (all: string, values: readonly string[]) => [
    { value: '', label: all },
    ...values.map((value) => ({ value, label: value })),
  ];
  return (
    <div className={styles['filters']} role="search" aria-label="Filter requests">
      <ChoiceGroup
        label="Outcome"
        value={filter.isProblemsOnly ? 'problems' : 'all'}
        choices={[
          { value: 'all', label: 'All' },
          { value: 'problems', label: 'Problems' },
        ]}
        onChange={(outcome) => onChange({ isProblemsOnly: outcome === 'problems' })}
      />
      <Select
        label="Model"
        value={filter.model}
        options={choicesOf(
          'All models',
          distinct(requests, ({ modelId }) => modelId),
        )}
        onChange={(model) => onChange({ model })}
      />
      <Select
        label="Lane"
        value={filter.lane}
        options={choicesOf(
          'All lanes',
          distinct(requests, ({ lane }) => lane),
        )}
        onChange={(lane) => onChange({ lane })}
      />
      <TextField
        aria-label="Text in a request’s row"
        placeholder="Text: a route, a code…"
        value={filter.text}
        onChange={(event) => onChange({ text: event.target.value })}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onChange({ text: '' });
        }}
      />
    </div>
  );
}

function Summary({ requests, isAll }: { readonly requests: readonly ListedRequest[]; readonly isAll: boolean }) {
  const summary = summariseRequests(requests);
  const speed = summary.medianTokensPerSecond;
  const facts = [
    ['Requests', `${formatCount(summary.count)}${isAll ? '' : ` of the last ${formatCount(LIMIT)}`}`],
    ['Median TTFT', formatWait(summary.medianTtftMs ?? null)],
    ['95 % of TTFT within', formatWait(summary.p95TtftMs ?? null)],
    ['Median speed', speed === undefined ? formatSpeed(speed) : `${formatSpeed(speed)} tok/s`],
    ['Tokens out', formatCount(summary.completionTokens)],
    ['Problems', formatCount(summary.problems)],
  ] as const;
  return (
    <dl className={styles['summary']}>
      {facts.map(([name, value]) => (
        <div key={name} data-problem={name === 'Problems' && summary.problems > 0}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
