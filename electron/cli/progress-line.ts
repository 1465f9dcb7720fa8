import type { Bridge } from '#shared/contract/bridge.ts';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import { fitToColumns, printable } from './printable.ts';
import type { VerbContext } from './terminal.ts';

const CLEAR_LINE = '\r\u001b[K';

/**
 * Keeps one line on standard error that says what a wait is waiting for, rewritten as the state changes. Does nothing if
 * no person watches. Returns the function that removes the line again.
 */
export function showProgressLine(
  bridge: Bridge,
  { terminal, isJson }: VerbContext,
  describe: (snapshot: Snapshot) => string | undefined,
): () => void {
  if (!terminal.isErrorTty || isJson) return () => undefined;
  let shown = '';
  const show = (text: string): void => {
    const fitted = fitToColumns(printable(text), terminal.columns() - 1);
    if (fitted !== shown) terminal.writeError(CLEAR_LINE + fitted);
    shown = fitted;
  };
  const unsubscribe = bridge.subscribe({
    onUpdate: ({ snapshot }) => show(describe(snapshot) ?? ''),
    onDisconnect: () => undefined, // The call that is being waited for fails by itself.
  });
  return () => {
    unsubscribe();
    if (shown !== '') terminal.writeError(CLEAR_LINE);
  };
}
