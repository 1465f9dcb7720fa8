import type { DeviceView } from '#shared/contract/memory.ts';
import { formatSize } from '#shared/model/units.ts';
import styles from './memory-bar.module.css';

export interface MemoryBarProps {
  readonly device: DeviceView;
  readonly colours: ReadonlyMap<string, number>;
  readonly isLarge?: boolean;
}

/** A device's memory by owner, to scale: models in their colours, others grey, what may not be used hatched. */
export function MemoryBar({ device, colours, isLarge = false }: MemoryBarProps) {
  const { totalBytes, models, usedByOthersBytes } = device;
  // A fifth of a percent is a pixel or two; what others take changes all the time by less.
  const share = (bytes: number): string =>
    `${totalBytes === 0 ? 0 : Math.min(100, Math.round((bytes / totalBytes) * 500) / 5)}%`;
  const reserveBytes = reserveOf(device);
  return (
    <div className={styles['bar']} data-large={isLarge} role="img" aria-label={describeDevice(device)}>
      {models.map(({ model, bytes }) => (
        <span
          key={model}
          className={styles['part']}
          style={{ width: share(bytes), background: `var(--model-${colours.get(model) ?? 0})` }}
          title={`${model}: ${formatSize(bytes)}`}
        >
          <span className={styles['label']}>{model}</span>
        </span>
      ))}
      {usedByOthersBytes > 0 ? (
        <span
          className={styles['others']}
          style={{ width: share(usedByOthersBytes) }}
          title={`Other programs: ${formatSize(usedByOthersBytes)}`}
        />
      ) : null}
      {reserveBytes > 0 ? (
        <span
          className={styles['reserve']}
          style={{ width: share(reserveBytes) }}
          title={`Kept free (reserve or budget): ${formatSize(reserveBytes)}`}
        />
      ) : null}
    </div>
  );
}

/** What models may still take. */
export function availableBytes({ budgetBytes, totalBytes, usedByOthersBytes, models }: DeviceView): number {
  const held = models.reduce((sum, { bytes }) => sum + bytes, 0);
  return Math.max(0, Math.min(budgetBytes - held, totalBytes - usedByOthersBytes - held));
}

/** What is neither used nor may be: the reserve, or what a budget leaves over. */
export function reserveOf(device: DeviceView): number {
  const held = device.models.reduce((sum, { bytes }) => sum + bytes, 0);
  return Math.max(0, device.totalBytes - held - device.usedByOthersBytes - availableBytes(device));
}

export function describeDevice(device: DeviceView): string {
  const parts = [
    ...device.models.map(({ model, bytes }) => `${model} ${formatSize(bytes)}`),
    ...(device.usedByOthersBytes > 0 ? [`other programs ${formatSize(device.usedByOthersBytes)}`] : []),
    `free for models ${formatSize(availableBytes(device))}`,
  ];
  return `${device.id}, ${formatSize(device.totalBytes)}: ${parts.join(', ')}`;
}
