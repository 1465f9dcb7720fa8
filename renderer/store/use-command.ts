import { useCallback, useEffect, useState } from 'react';
import type { CommandName, CommandRequest, CommandResponse } from '#shared/contract/commands.ts';
import { toAppError, type AppError } from '#shared/contract/errors.ts';
import { useAppStore } from './app-store.ts';
import { useEngine } from './engine-context.ts';

export interface CommandResult<Name extends CommandName> {
  /** The newest answer; it stays while a newer one is fetched, and when that fails. */
  readonly data: CommandResponse<Name> | undefined;
  readonly error: AppError | undefined;
  readonly isLoading: boolean;
  reload(): void;
}

/**
 * What a command without side effects answers, fetched when the page opens, when the request or `version` changes, and
 * when the connection is back.
 */
export function useCommand<Name extends CommandName>(
  name: Name,
  request: CommandRequest<Name>,
  version?: string | number,
): CommandResult<Name> {
  const { bridge } = useEngine();
  const isLive = useAppStore(({ connection }) => connection.status === 'live');
  const [round, setRound] = useState(0);
  const [state, setState] = useState<{
    readonly data: CommandResponse<Name> | undefined;
    readonly error: AppError | undefined;
    /** What this is the answer to. */
    readonly key: string | undefined;
  }>({ data: undefined, error: undefined, key: undefined });
  const requestText = JSON.stringify(request);
  const key = JSON.stringify([requestText, version, round]);

  useEffect(() => {
    if (!isLive) return undefined;
    const gone = new AbortController();
    bridge.call(name, JSON.parse(requestText) as CommandRequest<Name>, gone.signal).then(
      (data) => {
        if (!gone.signal.aborted) setState({ data, error: undefined, key });
      },
      (thrown: unknown) => {
        if (!gone.signal.aborted) setState(({ data }) => ({ data, error: toAppError(thrown), key }));
      },
    );
    return () => gone.abort();
  }, [bridge, name, requestText, key, isLive]);

  const reload = useCallback(() => setRound((before) => before + 1), []);
  return { data: state.data, error: state.error, isLoading: state.key !== key, reload };
}
