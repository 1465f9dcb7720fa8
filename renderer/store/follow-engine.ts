import type { Bridge, BridgeUpdate } from '#shared/contract/bridge.ts';
import { AppError } from '#shared/contract/errors.ts';
import { applyUpdates, useAppStore } from './app-store.ts';

/** A hidden window gets no frames, and must not fall ever further behind. */
const MAX_DELAY_MS = 250;

/** Keeps the store in step with the engine: at most one change a frame, however many events arrive. */
export function followEngine(bridge: Bridge): () => void {
  let gathered: BridgeUpdate[] = [];
  let frame: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function flush(): void {
    if (frame !== undefined) cancelAnimationFrame(frame);
    clearTimeout(timer);
    frame = undefined;
    timer = undefined;
    const updates = gathered;
    gathered = [];
    useAppStore.setState((state) => applyUpdates(state, updates, Date.now()));
  }

  const unsubscribe = bridge.subscribe({
    onUpdate(update) {
      gathered.push(update);
      frame ??= requestAnimationFrame(flush);
      timer ??= setTimeout(flush, MAX_DELAY_MS);
    },
    onDisconnect(reason) {
      useAppStore.setState(({ connection }) =>
        connection.status === 'lost' || connection.status === 'locked'
          ? {}
          : { connection: { status: 'lost', since: Date.now(), reason } },
      );
      void lockIfRefused(bridge);
    },
  });
  return () => {
    unsubscribe();
    if (frame !== undefined) cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
}

/** Each start of Corral has a token of its own, so a page from before is refused and has to say so. */
async function lockIfRefused(bridge: Bridge): Promise<void> {
  try {
    await bridge.call('get-snapshot', {});
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'unauthorized') {
      useAppStore.setState({ connection: { status: 'locked' } });
    }
  }
}
