import type { DeviceView } from '#shared/contract/memory.ts';
import { formatSize } from '#shared/model/units.ts';
import { availableBytes, MemoryBar } from '../../components/memory-bar.tsx';
import styles from './device-strip.module.css';

/** GPUs, or system memory where there is none: what models share. */
export function DeviceStrip({
  devices,
  colours,
}: {
  readonly devices: readonly DeviceView[];
  readonly colours: ReadonlyMap<string, number>;
}) {
  return (
    <ul className={styles['strip']} aria-label="Memory">
      {pickDevices(devices).map((device) => (
        <li key={device.id} className={styles['device']}>
          <span className={styles['id']}>{device.id}</span>
          <span className={styles['name']} title={device.name}>
            {device.name}
          </span>
          <MemoryBar device={device} colours={colours} />
          <span className={styles['free']}>
            {formatSize(availableBytes(device))} free
            {device.isStale ? <span title={device.problem ?? undefined}> (last known)</span> : null}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** System memory only matters at a glance where models live in it. */
export function pickDevices(devices: readonly DeviceView[]): readonly DeviceView[] {
  const shown = devices.filter(({ kind, models }) => kind !== 'ram' || models.length > 0);
  return shown.length === 0 ? devices : shown;
}
