import { useEffect, useState } from 'react';
import { toAppError, type AppError } from '#shared/contract/errors.ts';
import type { SettingEdit, SettingsPreview } from '#shared/contract/settings.ts';
import { useEngine } from '../../store/engine-context.ts';

/** A pause in typing. */
const DELAY_MS = 300;

export interface Preview {
  /** What the newest edits would do; undefined while that is being asked. */
  readonly preview: SettingsPreview | undefined;
  readonly error: AppError | undefined;
}

/** What some edits would do, asked anew once they have not changed for a moment. Nothing is asked for undefined. */
export function usePreview(edits: readonly SettingEdit[] | undefined): Preview {
  const { bridge } = useEngine();
  const key = edits === undefined ? undefined : JSON.stringify(edits);
  const [state, setState] = useState<Preview & { readonly key: string | undefined }>({
    preview: undefined,
    error: undefined,
    key: undefined,
  });

  useEffect(() => {
    if (key === undefined) return undefined;
    const gone = new AbortController();
    const timer = setTimeout(() => {
      bridge.call('preview-settings', { edits: JSON.parse(key) as SettingEdit[] }, gone.signal).then(
        (preview) => {
          if (!gone.signal.aborted) setState({ preview, error: undefined, key });
        },
        (thrown: unknown) => {
          if (!gone.signal.aborted) setState({ preview: undefined, error: toAppError(thrown), key });
        },
      );
    }, DELAY_MS);
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [bridge, key]);

  return state.key === key && key !== undefined ? state : { preview: undefined, error: undefined };
}
