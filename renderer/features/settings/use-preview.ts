import { useEffect, useState } from 'react';
import { toAppError, type AppError } from '#shared/contract/errors.ts';
import type { SettingsPreview } from '#shared/contract/settings.ts';
import { useEngine } from '../../store/engine-context.ts';
import type { Edits } from './edits.ts';

/** Long enough for the next key to be pressed. */
const DELAY_MS = 250;

export interface PreviewState {
  readonly preview: SettingsPreview | undefined;
  readonly error: AppError | undefined;
  /** The file's text that the preview is a change of. */
  readonly fileText: string;
  /** What is shown is of the changes before the last one. */
  readonly isBehind: boolean;
}

/** What the changes would do, asked again whenever they or the file change. */
export function usePreview(request: Edits, fileText: string): PreviewState {
  const { bridge } = useEngine();
  const requestText = JSON.stringify(request);
  const key = request.length === 0 ? undefined : JSON.stringify([requestText, fileText]);
  const [state, setState] = useState<Omit<PreviewState, 'isBehind'> & { readonly key: string | undefined }>({
    preview: undefined,
    error: undefined,
    fileText: '',
    key: undefined,
  });

  useEffect(() => {
    if (key === undefined) return undefined;
    const gone = new AbortController();
    const ask = async (): Promise<void> => {
      try {
        const edits = JSON.parse(requestText) as [...Edits];
        const preview = await bridge.call('preview-settings', { edits }, gone.signal);
        if (!gone.signal.aborted) setState({ preview, error: undefined, fileText, key });
      } catch (thrown) {
        if (!gone.signal.aborted) setState({ preview: undefined, error: toAppError(thrown), fileText, key });
      }
    };
    const timer = setTimeout(() => void ask(), DELAY_MS);
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [bridge, key, requestText, fileText]);

  if (key === undefined) return { preview: undefined, error: undefined, fileText, isBehind: false };
  return { preview: state.preview, error: state.error, fileText: state.fileText, isBehind: state.key !== key };
}
