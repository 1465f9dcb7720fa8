/**
 * One fetch for a file that several downloads want, such as the projector that all quantizations of a repository share. It
 * goes on as long as one of them wants it.
 */
export interface SharedFetches<Listener> {
  /**
   * Joins the fetch of `key`, or begins it. Settles as the fetch does; rejects with the reason of `signal` as soon as that
   * aborts, and by then the fetch has ended if nobody else wants it.
   */
  join(key: string, listener: Listener, begin: BeginFetch<Listener>, signal: AbortSignal): Promise<void>;
  isWanted(key: string): boolean;
}

export type BeginFetch<Listener> = (
  tell: (say: (listener: Listener) => void) => void,
  signal: AbortSignal,
) => Promise<void>;

interface Fetch<Listener> {
  readonly abort: AbortController;
  readonly listeners: Set<Listener>;
  readonly done: Promise<void>;
}

export function createSharedFetches<Listener>(): SharedFetches<Listener> {
  const fetches = new Map<string, Fetch<Listener>>();

  function beginFetch(key: string, begin: BeginFetch<Listener>): Fetch<Listener> {
    const abort = new AbortController();
    const listeners = new Set<Listener>();
    const tell = (say: (listener: Listener) => void): void => {
      for (const listener of listeners) say(listener);
    };
    const done = begin(tell, abort.signal).finally(() => {
      if (fetches.get(key)?.abort === abort) fetches.delete(key);
    });
    const fetch = { abort, listeners, done };
    fetches.set(key, fetch);
    return fetch;
  }

  return {
    async join(key, listener, begin, signal) {
      // One that ends because nobody wanted it any more must be gone before the next begins.
      for (let ending = fetches.get(key); ending?.abort.signal.aborted === true; ending = fetches.get(key)) {
        await ending.done.catch(() => undefined);
      }
      signal.throwIfAborted();
      const fetch = fetches.get(key) ?? beginFetch(key, begin);
      fetch.listeners.add(listener);
      try {
        await new Promise<void>((resolve, reject) => {
          const leave = (): void => {
            fetch.listeners.delete(listener);
            if (fetch.listeners.size > 0) {
              reject(signal.reason as Error);
              return;
            }
            fetch.abort.abort(signal.reason);
            fetch.done.catch(() => undefined).finally(() => reject(signal.reason as Error));
          };
          signal.addEventListener('abort', leave, { once: true });
          fetch.done.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
        });
      } finally {
        fetch.listeners.delete(listener);
      }
    },
    isWanted: (key) => (fetches.get(key)?.listeners.size ?? 0) > 0,
  };
}
