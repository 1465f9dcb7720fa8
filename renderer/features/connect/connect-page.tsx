import { useState } from 'react';
import { Page } from '../../components/page.tsx';
import { EmptyState } from '../../components/states.tsx';
import { Button } from '../../components/button.tsx';
import { useAppStore } from '../../store/app-store.ts';
import { navigate } from '../../store/navigate.ts';
import { useCommand } from '../../store/use-command.ts';
import { ClientRecipes } from './client-recipes.tsx';
import { chatModels, laneNames } from './connect-facts.ts';
import { ConnectionFields } from './connection-fields.tsx';
import styles from './connect-page.module.css';
import { LanAccess } from './lan-access.tsx';

/** What to type into which program, with the address, a model and the key filled in. */
export function ConnectPage() {
  const address = useAppStore(({ snapshot }) => snapshot?.instance.address ?? '');
  const models = useAppStore(({ snapshot }) => snapshot?.models ?? none);
  const instance = useAppStore(({ snapshot }) => snapshot?.instance);
  const settings = useCommand('read-settings', {}, JSON.stringify(instance));
  const catalog = useCommand('read-catalog', {}, models.length);
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const [key, setKey] = useState('');

  const lanes = laneNames(settings.data?.values ?? null);
  const ids = chatModels(models, catalog.data?.models ?? none);
  const model = models.find(({ id }) => id === chosen) ?? models.find(({ id }) => id === ids[0]);
  if (model === undefined) {
    return (
      <Page title="Connect">
        <EmptyState title="No models yet">
          <p>Add a model first; what to type into your programs is shown here then.</p>
          <Button kind="primary" onClick={() => navigate('catalog')}>
            Open the catalog
          </Button>
        </EmptyState>
      </Page>
    );
  }
  const facts = {
    address,
    model: model.id,
    key: key === '' ? (lanes.length === 0 ? 'any-text' : 'your-key') : key,
    contextSize: model.contextSize ?? undefined,
  };
  return (
    <Page title="Connect">
      <div className={styles['page']}>
        <ConnectionFields
          address={address}
          models={models}
          model={model.id}
          onModel={setChosen}
          lanes={lanes}
          isLaneKnown={settings.data !== undefined}
          apiKey={key}
          onApiKey={setKey}
        />
        <ClientRecipes facts={facts} />
        <LanAccess address={address} settings={settings} />
      </div>
    </Page>
  );
}

const none: readonly never[] = [];
