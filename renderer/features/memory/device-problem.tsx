import { AlertTriangle } from 'lucide-react';
import { useState } from 'react';
import type { DeviceView } from '#shared/contract/memory.ts';
import { Age } from '../../components/states.tsx';
import { useAppStore } from '../../store/app-store.ts';
import styles from './device-card.module.css';

/** What is wrong with a device's numbers, and for how long it has been so at least: as long as this page knows of it. */
export function DeviceProblem({ device }: { readonly device: DeviceView }) {
  const updatedAt = useAppStore((state) => state.updatedAt);
  const [since, setSince] = useState<number | undefined>(undefined);
  if (device.isStale && since === undefined) setSince(updatedAt);
  if (!device.isStale && since !== undefined) setSince(undefined);

  if (!device.isStale && device.problem === null) return null;
  return (
    <div className={styles['problem']} role="status">
      <AlertTriangle size={15} aria-hidden />
      <div>
        {device.isStale ? (
          <p>
            These numbers are the last known ones, at least <Age since={since ?? updatedAt} /> old: the tool that tells
            them fails. Loads are still decided by them.
          </p>
        ) : null}
        {device.problem === null ? null : <p>{device.problem}</p>}
      </div>
    </div>
  );
}
