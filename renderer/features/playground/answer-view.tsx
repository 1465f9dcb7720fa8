import { AlertTriangle, LoaderCircle } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { Button } from '../../components/button.tsx';
import { CopyButton } from '../../components/copy-button.tsx';
import { Age } from '../../components/states.tsx';
import { useAppStore } from '../../store/app-store.ts';
import { useEngine } from '../../store/engine-context.ts';
import { navigate } from '../../store/navigate.ts';
import { selectModel } from '../../store/selectors.ts';
import styles from './message-list.module.css';
import type { AnswerTurn, ChatFailure } from './conversation.ts';
import { describeCost, describeWaiting, waysOn, type WayOn } from './describe-answer.ts';
import { editLast, keepApiKey, regenerate } from './playground-store.ts';
import { splitFences } from './split-fences.ts';

export interface AnswerViewProps {
  readonly turn: AnswerTurn;
  /** The one that is chosen now, and would be asked again. */
  readonly model: ModelView;
  readonly isLast: boolean;
}

export function AnswerView({ turn, model, isLast }: AnswerViewProps) {
  const { status, text, reasoning } = turn;
  const cost = describeCost(turn);
  return (
    <article className={styles['answer']} aria-label={`Answer of ${turn.model}`} data-status={status.type}>
      <header className={styles['who']}>{turn.model}</header>
      {reasoning === '' ? null : (
        <details className={styles['reasoning']}>
          <summary>{text === '' && status.type === 'streaming' ? 'Thinking…' : 'What it thought'}</summary>
          <p>{reasoning}</p>
        </details>
      )}
      {splitFences(text).map((part, index) =>
        part.type === 'code' ? (
          <figure key={index} className={styles['code']}>
            <figcaption>
              {part.language}
              <CopyButton text={part.text} label={`Copy this code ${index + 1}`} />
            </figcaption>
            <pre tabIndex={0}>{part.text}</pre>
          </figure>
        ) : (
          <p key={index} className={styles['said']}>
            {part.text}
          </p>
        ),
      )}
      {status.type === 'waiting' ? <Waiting turn={turn} comment={status.comment} /> : null}
      {status.type === 'failed' ? <Failure failure={status.failure} turn={turn} model={model} /> : null}
      <footer className={styles['cost']}>
        {status.type === 'stopped' ? (
          <span>{status.reason === 'user' ? 'stopped' : 'cut off: the most tokens were reached'}</span>
        ) : null}
        <span>{cost}</span>
        {isLast && (status.type === 'done' || status.type === 'stopped') ? (
          <>
            <CopyButton text={text} label="Copy the answer" />
            <Button kind="quiet" onClick={() => regenerate(model.id, turn.id)}>
              Answer again
            </Button>
          </>
        ) : null}
      </footer>
    </article>
  );
}

function Waiting({ turn, comment }: { readonly turn: AnswerTurn; readonly comment: string | undefined }) {
  const model = useAppStore((state) => selectModel(state, turn.model));
  // The wall clock goes on counting where the page's own cannot be read while rendering.
  const [since] = useState(() => Date.now());
  return (
    <p className={styles['waiting']} role="status">
      <LoaderCircle size={14} aria-hidden className={styles['spinner']} />
      <span>{describeWaiting(model, comment)}</span>
      <span aria-hidden>
        <Age since={since} />
      </span>
    </p>
  );
}

function Failure({
  failure,
  turn,
  model,
}: {
  readonly failure: ChatFailure;
  readonly turn: AnswerTurn;
  readonly model: ModelView;
}) {
  const { actions } = useEngine();
  const retry = (): void => regenerate(model.id, turn.id);
  const buttons = {
    retry: (
      <Button key="retry" onClick={retry}>
        {model.id === turn.model ? 'Try again' : `Ask ${model.id}`}
      </Button>
    ),
    logs: (
      <Button key="logs" aria-label={`Logs of ${turn.model}`} onClick={() => navigate('logs', turn.model)}>
        Logs
      </Button>
    ),
    reset: (
      <Button key="reset" onClick={() => void actions.reset(turn.model).then(retry)}>
        Reset and try again
      </Button>
    ),
    catalog: (
      <Button key="catalog" onClick={() => navigate('catalog')}>
        See what llama.cpp there is
      </Button>
    ),
    shorten: (
      <Button key="shorten" onClick={editLast}>
        Edit the message
      </Button>
    ),
    key: <KeyField key="key" onKept={retry} />,
    'other-model':
      model.id === turn.model ? (
        <span key="other-model" className={styles['hint']}>
          Or choose another model above.
        </span>
      ) : null,
  } satisfies Record<WayOn, ReactNode>;
  const ways = waysOn(failure);
  const shown = model.id !== turn.model && !ways.includes('retry') ? ['retry' as const, ...ways] : ways;
  return (
    <div className={styles['failure']} role="alert">
      <AlertTriangle size={15} aria-hidden />
      <div>
        <p>{failure.message}</p>
        <div className={styles['ways']}>{shown.map((way) => buttons[way])}</div>
      </div>
    </div>
  );
}

function KeyField({ onKept }: { onKept(): void }) {
  const [key, setKey] = useState('');
  return (
    <form
      className={styles['key']}
      onSubmit={(event) => {
        event.preventDefault();
        if (key.trim() === '') return;
        keepApiKey(key);
        onKept();
      }}
    >
      <label>
        Key
        <input
          type="password"
          autoComplete="off"
          spellCheck={false}
          value={key}
          onChange={({ target }) => setKey(target.value)}
        />
      </label>
      <Button type="submit" disabled={key.trim() === ''}>
        Use it and try again
      </Button>
      <span className={styles['hint']}>Kept until this tab is closed.</span>
    </form>
  );
}
