import { useCallback, useId } from 'react';
import type { PoolView } from '#shared/contract/snapshot.ts';
import { ShapeDot, type DotShape } from '../../components/state-dot.tsx';
import { useAppStore } from '../../store/app-store.ts';
import { formatPlace } from '../../store/pages.ts';
import { useTimedText } from '../../store/use-now.ts';
import {
  describeCheck,
  describeHealth,
  describeListed,
  describePool,
  describeProblem,
  describeRunning,
  type EndpointView,
} from './describe-pool.ts';
import styles from './pool-list.module.css';

/** Servers elsewhere that answer for what is not here; nothing while there are none. */
export function PoolList() {
  const pools = useAppStore(({ snapshot }) => snapshot?.pools ?? none);
  if (pools.length === 0) return null;
  return (
    <section className={styles['section']} aria-labelledby="elsewhere">
      <header className={styles['heading']}>
        <h2 id="elsewhere">Elsewhere</h2>
        <p>These servers answer for models that are not on this machine.</p>
      </header>
      {pools.map((pool) => (
        <Pool key={pool.name} pool={pool} />
      ))}
    </section>
  );
}

const none: readonly never[] = [];

function Pool({ pool }: { readonly pool: PoolView }) {
  const titleId = useId();
  const { name, endpoints, waitingRequests } = pool;
  return (
    <section className={styles['pool']} aria-labelledby={titleId} data-pool={name}>
      <header className={styles['head']}>
        <h3 id={titleId} title={name}>
          {name}
        </h3>
        <span className={styles['summary']}>{describePool(pool)}</span>
        {waitingRequests === 0 ? null : (
          <a href={formatPlace({ page: 'queue', subject: undefined })}>{waitingRequests} waiting</a>
        )}
      </header>
      <ul aria-labelledby={titleId}>
        {endpoints.map((endpoint, index) => (
          // One address may be there twice, with two keys.
          <Endpoint key={`${index} ${endpoint.url}`} endpoint={endpoint} />
        ))}
      </ul>
    </section>
  );
}

function Endpoint({ endpoint }: { readonly endpoint: EndpointView }) {
  const { url, health, isResting } = endpoint;
  const checked = useTimedText(useCallback((now) => describeCheck(endpoint, now), [endpoint]));
  const problem = describeProblem(endpoint);
  const [shape, colour] = dots[health];
  return (
    <li className={styles['endpoint']} data-endpoint={url} data-health={health}>
      <div className={styles['line']}>
        <ShapeDot shape={shape} colour={colour} />
        <span className={styles['url']} title={url}>
          {url}
        </span>
        <span
          className={styles['fact']}
          title={isResting ? 'It refused a request lately, and is chosen last for a while' : undefined}
        >
          {describeHealth(endpoint)}
        </span>
        <span className={styles['fact']}>{describeRunning(endpoint)}</span>
        <span className={styles['fact']}>{describeListed(endpoint)}</span>
        <span className={styles['checked']}>{checked}</span>
      </div>
      {problem === undefined ? null : <p className={styles['problem']}>{problem}</p>}
    </li>
  );
}

const dots = {
  unknown: ['hollow', 'var(--line-strong)'],
  healthy: ['full', 'var(--accent)'],
  loading: ['half', 'var(--accent)'],
  down: ['mark', 'var(--trouble)'],
} as const satisfies Record<EndpointView['health'], readonly [DotShape, string]>;
