import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { useAppStore } from '../../store/app-store.ts';
import { useEngine } from '../../store/engine-context.ts';
import { createLogSession, type LogSession } from './log-session.ts';

/** The log of a source, followed as long as the component lives, which is rendered again whenever there is more to show. */
export function useLogSession(source: string): { readonly session: LogSession; readonly revision: number } {
  const { bridge } = useEngine();
  const session = useMemo(() => createLogSession(bridge, source), [bridge, source]);
  const revision = useSyncExternalStore(session.subscribe, session.revision);
  const lastLine = useAppStore(({ lastLogLines }) => lastLogLines.get(source));
  const isLive = useAppStore(({ connection }) => connection.status === 'live');

  useEffect(() => session.open(), [session]);
  useEffect(() => {
    if (isLive) session.poke();
  }, [session, lastLine, isLive]);
  return { session, revision };
}
