import type { Dispatcher } from 'undici';
import type { Clock } from '../ports/clock.ts';

/** What a stream is sent on. */
export interface StreamConnection {
  readonly dispatcher: Dispatcher;
  /** Nothing may follow it there. */
  readonly isLast: boolean;
  /** The stream is over; `isWhole` if its server ended it, and not somebody else. Once. */
  end(isWhole: boolean): void;
}

/**
 * Which connections streams are sent on. llama-server (cpp-httplib) announces keep-alive with a stream and closes behind it,
 * so that a request which follows at once would be lost on the way; other servers keep their connections, and a new one for
 * each stream would cost more than the request itself, with TLS most of all. So the first stream is watched on a connection
 * of its own, and the streams meanwhile are the last on theirs.
 */
export interface StreamConnections {
  take(): StreamConnection;
  /** A request was lost on a connection that had been used before: what was found out may have changed. */
  doubt(): void;
  /** Resolves once the stream that is watched, if any, is over. */
  close(): Promise<void>;
  /** Breaks it off. */
  destroy(): Promise<void>;
}

/** llama-server closes within some milliseconds; nothing waits for this. */
const WATCH_MS = 500;

export function createStreamConnections(options: {
  readonly shared: Dispatcher;
  /** Like the shared one, for one connection. */
  readonly openOne: () => Dispatcher;
  readonly clock: Clock;
}): StreamConnections {
  const { shared, openOne, clock } = options;
  let finding: 'unknown' | 'watching' | 'closes' | 'keeps' = 'unknown';
  let watched: Dispatcher | undefined;

  const reused: StreamConnection = { dispatcher: shared, isLast: false, end: () => undefined };
  const last: StreamConnection = { dispatcher: shared, isLast: true, end: () => undefined };

  function watch(): StreamConnection {
    const dispatcher = openOne();
    let isClosed = false;
    finding = 'watching';
    watched = dispatcher;
    dispatcher.once('disconnect', () => (isClosed = true));
    const conclude = (found: 'unknown' | 'closes' | 'keeps'): void => {
      finding = found;
      watched = undefined;
      void dispatcher.destroy();
    };
    return {
      dispatcher,
      isLast: false,
      end(isWhole) {
        if (watched !== dispatcher) return;
        if (!isWhole) conclude('unknown');
        else clock.setTimer(WATCH_MS, () => watched === dispatcher && conclude(isClosed ? 'closes' : 'keeps'));
      },
    };
  }

  async function endWatch(end: (dispatcher: Dispatcher) => Promise<void>): Promise<void> {
    const dispatcher = watched;
    finding = 'closes';
    watched = undefined;
    if (dispatcher !== undefined) await end(dispatcher);
  }

  return {
    take() {
      if (finding === 'unknown') return watch();
      return finding === 'keeps' ? reused : last;
    },
    doubt() {
      if (finding === 'keeps') finding = 'unknown';
    },
    close: () => endWatch((dispatcher) => dispatcher.close()),
    destroy: () => endWatch((dispatcher) => dispatcher.destroy()),
  };
}
