/**
 * The names of the channels between the window and the main process, and what the preload script exposes on `window`.
 * No imports: the sandboxed preload is one file.
 */

export const channels = {
  /** Window to main, answered: a command of `commands.ts`. */
  call: 'corral:call',
  /** Window to main, answered: a command of `desktop-commands.ts`. */
  callDesktop: 'corral:call-desktop',
  /** Window to main: send a whole snapshot, then every event. Again: start anew. */
  subscribe: 'corral:subscribe',
  unsubscribe: 'corral:unsubscribe',
  /** Main to window: a `WindowMessage`. */
  message: 'corral:message',
  /** Window to main: a message has arrived. A window that falls far behind is sent a fresh snapshot once it has caught up. */
  received: 'corral:received',
  /** Main to window: the name of the page to show. */
  navigate: 'corral:navigate',
} as const;

/** What a call is answered with; an error crosses as plain data, since structured clones lose what makes it an `AppError`. */
export type CallAnswer =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

/** `window.corral`: frozen, made by the preload script, and all that the window has of the desktop. */
export interface WindowBridge {
  readonly platform: string;
  call(name: string, request: unknown): Promise<CallAnswer>;
  callDesktop(name: string, request: unknown): Promise<CallAnswer>;
  /** Hears `WindowMessage`s until the returned function is called. One subscription at a time. */
  subscribe(onMessage: (message: unknown) => void): () => void;
  onNavigate(onPage: (page: unknown) => void): () => void;
}
