import { useState } from 'react';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { Button } from '../../components/button.tsx';
import { Page } from '../../components/page.tsx';
import { EmptyState } from '../../components/states.tsx';
import { StateDot } from '../../components/state-dot.tsx';
import { useAppStore } from '../../store/app-store.ts';
import { navigate } from '../../store/navigate.ts';
import { selectColours } from '../../store/selectors.ts';
import { useCommand } from '../../store/use-command.ts';
import { ChatParameters } from './chat-parameters.tsx';
import { Composer } from './composer.tsx';
import { chatObstacle } from './describe-answer.ts';
import { MessageList } from './message-list.tsx';
import styles from './playground-page.module.css';
import { clearConversation, usePlaygroundStore } from './playground-store.ts';

/** A chat with any model, through the same address that other programs use. */
export function PlaygroundPage() {
  const models = useAppStore(({ snapshot }) => snapshot?.models ?? none);
  const subject = useAppStore(({ place }) => place.subject);
  const turns = usePlaygroundStore((state) => state.turns);
  const [areParametersShown, setAreParametersShown] = useState(false);
  const model = pickModel(models, subject);
  const obstacle = useChatObstacle(model?.id);

  if (model === undefined) {
    return (
      <Page title="Playground">
        <EmptyState title="No model to chat with">
          <p>Add a GGUF file first.</p>
          <Button kind="primary" onClick={() => navigate('catalog')}>
            Open the catalog
          </Button>
        </EmptyState>
      </Page>
    );
  }
  return (
    <Page
      title="Playground"
      isFilled
      actions={
        <>
          <ModelPicker models={models} model={model} />
          <Button
            aria-pressed={areParametersShown}
            aria-expanded={areParametersShown}
            aria-controls="chat-parameters"
            onClick={() => setAreParametersShown((before) => !before)}
          >
            Parameters
          </Button>
          <Button disabled={turns.length === 0} onClick={clearConversation}>
            Clear
          </Button>
        </>
      }
    >
      <div id="chat-parameters" hidden={!areParametersShown}>
        {areParametersShown ? <ChatParameters /> : null}
      </div>
      {turns.length === 0 ? (
        <div className={styles['empty']}>
          <EmptyState title={obstacle === undefined ? `Ask ${model.id} something` : `${model.id} is no chat model`}>
            {obstacle ??
              'It is loaded when you send the first message. The conversation stays while this window is open, and is kept nowhere.'}
          </EmptyState>
        </div>
      ) : (
        <MessageList turns={turns} model={model} />
      )}
      <Composer model={model} obstacle={obstacle} />
    </Page>
  );
}

function ModelPicker({ models, model }: { readonly models: readonly ModelView[]; readonly model: ModelView }) {
  const colour = selectColours(models).get(model.id) ?? 0;
  return (
    <label className={styles['picker']}>
      <span className="visually-hidden">Model</span>
      <StateDot state={model.state} colour={colour} />
      <select value={model.id} onChange={({ target }) => navigate('playground', target.value)}>
        {models.map(({ id, state }) => (
          <option key={id} value={id}>
            {id} ({state})
          </option>
        ))}
      </select>
    </label>
  );
}

/** The one the address names, else one that is loaded, else the first. */
function pickModel(models: readonly ModelView[], subject: string | undefined): ModelView | undefined {
  return (
    models.find(({ id, aliases }) => id === subject || (subject !== undefined && aliases.includes(subject))) ??
    models.find(({ state }) => state === 'ready') ??
    models[0]
  );
}

/** What the file and the model's own metadata say it is for. */
function useChatObstacle(id: string | undefined): string | undefined {
  const ids = useAppStore(({ snapshot }) => snapshot?.models.length);
  const { data: settings } = useCommand('read-settings', {}, ids);
  const { data: catalog } = useCommand('read-catalog', {}, ids);
  if (id === undefined) return undefined;
  const configured = settings?.values?.['models'];
  const flag = (name: string): boolean => readFlag(configured, id, name);
  const kind = catalog?.models.find((each) => each.id === id)?.metadata?.kind;
  return chatObstacle(kind, { embeddings: flag('embeddings'), rerank: flag('rerank') });
}

function readFlag(configured: unknown, id: string, name: string): boolean {
  if (typeof configured !== 'object' || configured === null || !Object.hasOwn(configured, id)) return false;
  const model = (configured as Record<string, unknown>)[id];
  return typeof model === 'object' && model !== null && (model as Record<string, unknown>)[name] === true;
}

const none: readonly never[] = [];
