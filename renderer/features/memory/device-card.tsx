import { useCallback, useMemo, useState } from 'react';
import type { DeviceView } from '#shared/contract/memory.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { formatSize } from '#shared/model/units.ts';
import { availableBytes, MemoryBar, reserveOf } from '../../components/memory-bar.tsx';
import styles from './device-card.module.css';
import { DeviceProblem } from './device-problem.tsx';
import { HistoryLegend, HistoryTable } from './history-text.tsx';
import { MemoryChart } from './memory-chart.tsx';
import { stackHistory, windowStart } from './stack-history.ts';
import type { LiveHistory } from './use-memory-history.ts';

const kinds = {
  gpu: 'GPU',
  unified: 'GPU without memory of its own',
  ram: 'System memory',
} as const satisfies Record<DeviceView['kind'], string>;

export interface DeviceCardProps {
  readonly device: DeviceView;
  readonly colours: ReadonlyMap<string, number>;
  readonly models: readonly ModelView[];
  readonly history: LiveHistory;
}

/** One device: what it has, who holds it now, and who held it over the last hour. */
export function DeviceCard({ device, colours, models, history }: DeviceCardProps) {
  const { samples, intervalMs, isLoading } = history;
  const to = samples.at(-1)?.at ?? 0;
  const from = windowStart(samples, to);
  const known = JSON.stringify(models.map(({ id }) => id));
  const stacked = useMemo(
    () => stackHistory(samples, device.id, { from, intervalMs, known: JSON.parse(known) as string[] }),
    [samples, device.id, from, intervalMs, known],
  );
  const [cursor, setCursor] = useState<number | undefined>(undefined);
  const onCursor = useCallback((index: number | undefined) => setCursor(index), []);
  const titleId = `device-${device.id}`;
  const held = device.models.reduce((sum, { bytes }) => sum + bytes, 0);

  return (
    <section className={styles['card']} aria-labelledby={titleId} data-device={device.id}>
      <header className={styles['head']}>
        <h2 id={titleId}>{device.id}</h2>
        <span className={styles['name']} title={device.name}>
          {device.name}
        </span>
        <span className={styles['kind']}>{device.name === kinds[device.kind] ? '' : kinds[device.kind]}</span>
        <span className={styles['sum']}>
          {formatSize(held + device.usedByOthersBytes)} of {formatSize(device.totalBytes)}
        </span>
      </header>
      <MemoryBar device={device} colours={colours} isLarge />
      <dl className={styles['facts']}>
        <Fact name="Free for models" value={formatSize(availableBytes(device))} />
        <Fact name="Held by models" value={formatSize(held)} />
        <Fact name="Other programs" value={formatSize(device.usedByOthersBytes)} />
        <Fact name="Budget" value={formatSize(device.budgetBytes)} />
        <Fact name="Kept free" value={formatSize(reserveOf(device))} />
        <Fact
          name="Free on the device"
          value={device.freeBytes === null ? 'it does not say' : formatSize(device.freeBytes)}
        />
      </dl>
      <DeviceProblem device={device} />
      <div className={styles['history']}>
        <MemoryChart
          label={`The last hour of ${device.id}, stacked by owner. The same is in the table below.`}
          stacked={stacked}
          totalBytes={device.totalBytes}
          budgetBytes={device.budgetBytes}
          colours={colours}
          from={from}
          to={to}
          onCursor={onCursor}
        />
        <HistoryLegend
          stacked={stacked}
          cursor={cursor}
          colours={colours}
          budgetBytes={device.budgetBytes}
          isLoading={isLoading}
        />
        <HistoryTable deviceId={device.id} stacked={stacked} />
      </div>
    </section>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
