import { Plus, RefreshCw } from 'lucide-react';
import { useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Page } from '../../components/page.tsx';
import { Banner, ErrorState, LoadingState } from '../../components/states.tsx';
import { useAppStore } from '../../store/app-store.ts';
import { useEngine } from '../../store/engine-context.ts';
import { notifyError } from '../../store/notices.ts';
import { selectColours } from '../../store/selectors.ts';
import { useCommand } from '../../store/use-command.ts';
import { usePlans } from '../../store/use-plans.ts';
import { AddModel } from './add-model.tsx';
import { BuildList } from './build-list.tsx';
import { CatalogModelRow } from './catalog-model.tsx';
import listStyles from './catalog-list.module.css';
import styles from './catalog-page.module.css';
import { Downloads } from './downloads.tsx';

/** What the engine knows of model files and llama.cpp builds here, and where one adds to it. */
export function CatalogPage() {
  const models = useAppStore(({ snapshot }) => snapshot?.models ?? none);
  const engineStatus = useAppStore(({ snapshot }) => snapshot?.engine);
  const subject = useAppStore(({ place }) => place.subject);
  const version = JSON.stringify([models.map(({ id, state }) => [id, state]), engineStatus?.status]);
  const catalog = useCommand('read-catalog', {}, version);
  const settings = useCommand('read-settings', {}, JSON.stringify(models.map(({ id }) => id)));
  const plans = usePlans();
  const [isAdding, setIsAdding] = useState(subject === 'add' || models.every(({ isDemo }) => isDemo));
  const [added, setAdded] = useState<string | undefined>(undefined);
  const colours = selectColours(models);
  const files = new Map(catalog.data?.models.map((each) => [each.id, each]));

  return (
    <Page
      title="Catalog"
      actions={
        <>
          <Rescan onDone={() => catalog.reload()} />
          <Button kind="primary" aria-expanded={isAdding} onClick={() => setIsAdding(!isAdding)}>
            <Plus size={14} aria-hidden /> Add a model
          </Button>
        </>
      }
    >
      <div className={styles['page']}>
        {added === undefined ? null : <AddedBanner id={added} onGone={() => setAdded(undefined)} />}
        {isAdding ? (
          <AddModel
            settings={settings.data}
            taken={models.filter(({ origin }) => origin === 'config').map(({ id }) => id)}
            onClose={() => setIsAdding(false)}
            onAdded={(id) => {
              setAdded(id);
              setIsAdding(false);
            }}
          />
        ) : null}
        <Downloads entries={catalog.data?.models ?? none} plans={plans} />
        {catalog.error === undefined ? null : (
          <ErrorState title="The catalog could not be read" error={catalog.error} retry={() => catalog.reload()} />
        )}
        {catalog.data === undefined && catalog.error === undefined ? (
          <LoadingState label="Reading the models…" />
        ) : null}
        {catalog.data === undefined ? null : (
          <>
            <section aria-labelledby="catalog-models" className={listStyles['section']}>
              <h2 id="catalog-models">Models</h2>
              <ul className={listStyles['list']}>
                {models.map((model) => (
                  <CatalogModelRow
                    key={model.id}
                    model={model}
                    entry={files.get(model.id)}
                    plan={plans.get(model.id)}
                    colour={colours.get(model.id) ?? 0}
                    settings={settings.data}
                  />
                ))}
              </ul>
            </section>
            <BuildList builds={catalog.data.builds} />
          </>
        )}
      </div>
    </Page>
  );
}

const none: readonly never[] = [];

/** Looks for models on disk now, rather than when their folders are seen to have changed. */
function Rescan({ onDone }: { onDone(): void }) {
  const { bridge } = useEngine();
  const [isLooking, setIsLooking] = useState(false);
  const rescan = async (): Promise<void> => {
    setIsLooking(true);
    try {
      await bridge.call('rescan-catalog', {});
      onDone();
    } catch (thrown) {
      notifyError(thrown);
    } finally {
      setIsLooking(false);
    }
  };
  return (
    <Button kind="quiet" disabled={isLooking} onClick={() => void rescan()}>
      <RefreshCw size={14} aria-hidden /> {isLooking ? 'Looking…' : 'Look again'}
    </Button>
  );
}

/** What was added, with what one wants next: load it, or take it back. */
function AddedBanner({ id, onGone }: { readonly id: string; onGone(): void }) {
  const { bridge, actions } = useEngine();
  const undo = async (): Promise<void> => {
    try {
      await bridge.call('update-settings', { edits: [{ path: ['models', id] }] });
      onGone();
    } catch (thrown) {
      notifyError(thrown);
    }
  };
  return (
    <div className={styles['added']}>
      <Banner
        kind="note"
        actions={
          <>
            <Button
              kind="primary"
              aria-label={`Load ${id}`}
              onClick={() => {
                onGone();
                void actions.load(id);
              }}
            >
              Load
            </Button>
            <Button aria-label={`Undo adding ${id}`} onClick={() => void undo()}>
              Undo
            </Button>
            <Button kind="quiet" onClick={onGone}>
              Dismiss
            </Button>
          </>
        }
      >
        Added {id}.
      </Banner>
    </div>
  );
}
