import { formatSize } from '#shared/model/units.ts';
import styles from './history-text.module.css';
import { pickRows, type StackedHistory } from './stack-history.ts';

const ROW_MS = 300_000;

/** Who is what colour, with the numbers of now or of the moment under the pointer. */
export function HistoryLegend({
  stacked,
  cursor,
  colours,
  budgetBytes,
  isLoading,
}: {
  readonly stacked: StackedHistory;
  readonly cursor: number | undefined;
  readonly colours: ReadonlyMap<string, number>;
  readonly budgetBytes: number;
  readonly isLoading: boolean;
}) {
  const { times, owners, held } = stacked;
  const at = cursor ?? times.length - 1;
  const time = times[at];
  return (
    <div className={styles['legend']}>
      <span className={styles['time']}>
        {cursor === undefined || time === undefined ? (isLoading ? 'Reading the last hour…' : 'Now') : seconds(time)}
      </span>
      <ul>
        {owners.map((owner, index) => (
          <li key={owner}>
            <Swatch colour={colours.get(owner)} />
            <span className={styles['owner']} title={owner}>
              {owner}
            </span>
            <span className={styles['value']}>{describe(held[index]?.[at])}</span>
          </li>
        ))}
        <li>
          <span className={styles['swatch']} data-others aria-hidden />
          <span className={styles['owner']}>Other programs</span>
          <span className={styles['value']}>{describe(held.at(-1)?.[at])}</span>
        </li>
        <li>
          <span className={styles['dash']} aria-hidden />
          <span className={styles['owner']}>Budget of all models</span>
          <span className={styles['value']}>{formatSize(budgetBytes)}</span>
        </li>
      </ul>
    </div>
  );
}

function Swatch({ colour }: { readonly colour: number | undefined }) {
  const background = colour === undefined ? 'var(--line-strong)' : `var(--model-${colour})`;
  return <span className={styles['swatch']} style={{ background }} aria-hidden />;
}

/** The chart in words and numbers, for whoever cannot see it or wants to copy it. */
export function HistoryTable({ deviceId, stacked }: { readonly deviceId: string; readonly stacked: StackedHistory }) {
  const { times, owners, held } = stacked;
  return (
    <details className={styles['table']}>
      <summary>
        As a table<span className="visually-hidden">: the last hour of {deviceId}</span>
      </summary>
      <div className={styles['scroll']} tabIndex={0} role="region" aria-label={`The last hour of ${deviceId}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              {owners.map((owner) => (
                <th key={owner} scope="col">
                  {owner}
                </th>
              ))}
              <th scope="col">Other programs</th>
            </tr>
          </thead>
          <tbody>
            {pickRows(times, ROW_MS).map((row) => (
              <tr key={times[row]}>
                <th scope="row">{seconds(times[row] ?? 0)}</th>
                {held.map((values, index) => (
                  <td key={owners[index] ?? 'others'}>{describe(values[row])}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function describe(bytes: number | null | undefined): string {
  return bytes === null || bytes === undefined ? 'not known' : formatSize(bytes);
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

function seconds(time: number): string {
  return clock.format(time * 1000);
}
