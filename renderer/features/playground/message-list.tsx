import { ArrowDown } from 'lucide-react';
import { useLayoutEffect, useRef, useState } from 'react';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { Button } from '../../components/button.tsx';
import { AnswerView } from './answer-view.tsx';
import { isRunning, type Turn, type UserTurn } from './conversation.ts';
import styles from './message-list.module.css';
import { editLast } from './playground-store.ts';

/** Nearer to the end than this counts as at the end: line heights are no whole pixels everywhere. */
const END_PX = 24;

/** The conversation. It follows what is being written until one scrolls up. */
export function MessageList({ turns, model }: { readonly turns: readonly Turn[]; readonly model: ModelView }) {
  const list = useRef<HTMLDivElement>(null);
  const [isFollowing, setIsFollowing] = useState(true);
  const lastUserId = turns.findLast(({ role }) => role === 'user')?.id;
  const lastAnswerId = turns.findLast(({ role }) => role === 'assistant')?.id;

  useLayoutEffect(() => {
    if (isFollowing) list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [turns, isFollowing]);

  return (
    <div className={styles['frame']}>
      <div
        ref={list}
        className={styles['list']}
        role="log"
        aria-label="Conversation"
        aria-busy={isRunning(turns.at(-1))}
        tabIndex={0}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) =>
          setIsFollowing(scrollHeight - scrollTop - clientHeight < END_PX)
        }
      >
        {turns.map((turn) =>
          turn.role === 'user' ? (
            <UserView key={turn.id} turn={turn} isLast={turn.id === lastUserId} />
          ) : (
            <AnswerView key={turn.id} turn={turn} model={model} isLast={turn.id === lastAnswerId} />
          ),
        )}
      </div>
      {isFollowing ? null : (
        <Button className={styles['down'] ?? ''} onClick={() => setIsFollowing(true)}>
          <ArrowDown size={14} aria-hidden /> To the end
        </Button>
      )}
    </div>
  );
}

function UserView({ turn, isLast }: { readonly turn: UserTurn; readonly isLast: boolean }) {
  return (
    <article className={styles['user']} aria-label="You">
      {turn.images.length === 0 ? null : (
        <div className={styles['images']}>
          {turn.images.map(({ url, name }, index) => (
            <img key={index} src={url} alt={name} />
          ))}
        </div>
      )}
      <p className={styles['said']}>{turn.text}</p>
      {isLast ? (
        <Button kind="quiet" aria-label="Edit the last message" onClick={editLast}>
          Edit
        </Button>
      ) : null}
    </article>
  );
}
