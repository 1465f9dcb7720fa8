import { toAppError } from '#shared/contract/errors.ts';
import { useAppStore, type Notice } from './app-store.ts';

const SHOWN_MS = 8000;
const MAX_SHOWN = 4;

let lastId = 0;

/** Shows a line at the window's edge. What went well leaves by itself; trouble stays until it is dismissed. */
export function notify(kind: Notice['kind'], text: string, action?: Notice['action']): void {
  lastId += 1;
  const id = lastId;
  useAppStore.setState(({ notices }) => ({ notices: [...notices, { id, kind, text, action }].slice(-MAX_SHOWN) }));
  if (kind === 'done') setTimeout(() => dismissNotice(id), SHOWN_MS);
}

export function notifyError(thrown: unknown): void {
  notify('trouble', toAppError(thrown).message);
}

export function dismissNotice(id: number): void {
  useAppStore.setState(({ notices }) => ({ notices: notices.filter((notice) => notice.id !== id) }));
}
