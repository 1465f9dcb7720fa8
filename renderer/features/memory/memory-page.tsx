import { Page } from '../../components/page.tsx';
import { Age, Banner, EmptyState, ErrorState } from '../../components/states.tsx';
import { useAppStore } from '../../store/app-store.ts';
import { selectColours } from '../../store/selectors.ts';
import { DeviceCard } from './device-card.tsx';
import styles from './memory-page.module.css';
import { NeedTable } from './need-table.tsx';
import { useMemoryHistory } from './use-memory-history.ts';

/** Who holds how much of each device, now and over the last hour, and what each model takes. */
export function MemoryPage() {
  const memory = useAppStore(({ snapshot }) => snapshot?.memory ?? noMemory);
  const models = useAppStore(({ snapshot }) => snapshot?.models ?? none);
  const connection = useAppStore((state) => state.connection);
  const history = useMemoryHistory(memory);
  const colours = selectColours(models);
  const { devices } = memory;

  if (devices.length === 0) {
    return (
      <Page title="Memory">
        <EmptyState title="No reading yet">
          <p>Corral looks at the devices when it starts and before each load. The first reading takes a moment.</p>
        </EmptyState>
      </Page>
    );
  }
  return (
    <Page title="Memory">
      <div className={styles['page']}>
        {connection.status === 'lost' ? (
          <Banner kind="caution">
            All of this is from <Age since={connection.since} /> ago, when the connection was lost.
          </Banner>
        ) : null}
        {devices.every(({ kind }) => kind === 'ram') ? (
          <p className={styles['note']}>
            No GPU was found: models run in system memory, and what they may use of it is the budget below.
          </p>
        ) : null}
        {devices.map((device) => (
          <DeviceCard key={device.id} device={device} colours={colours} models={models} history={history} />
        ))}
        {history.error === undefined ? null : (
          <ErrorState title="The last hour could not be read" error={history.error} retry={() => history.reload()} />
        )}
        <NeedTable models={models} colours={colours} />
      </div>
    </Page>
  );
}

const none: readonly never[] = [];
const noMemory = { devices: [], isGameMode: false };
