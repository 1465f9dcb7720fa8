import { fileURLToPath } from 'node:url';
import type { WebContents } from 'electron';
import { vi } from 'vitest';
import type { WindowBridge } from '#shared/contract/channels.ts';
import { createCommandHandlers } from '../../electron/api/command-handlers.ts';
import { createIpcTransport } from '../../electron/shell/ipc-transport.ts';
import { createIpcBridge } from '../../renderer/bridge/ipc-bridge.ts';
import { openInMemoryWindow } from '../fakes/electron/in-memory-window.ts';
import { eventually } from '../integration/support/corral.ts';
import { describeBridge } from './bridge-contract.ts';

vi.mock('electron', async () => await import('../fakes/electron/ipc-main.ts'));

const preloadFile = fileURLToPath(new URL('../../out/preload.cjs', import.meta.url));

describeBridge('the IPC bridge', (corral) => {
  const transport = createIpcTransport({
    source: corral.engine,
    commandHandlers: createCommandHandlers(corral.engine, { isOwner: true }),
    // The contract's own commands are what both bridges have.
    desktopHandlers: {} as Parameters<typeof createIpcTransport>[0]['desktopHandlers'],
    log: () => undefined,
  });
  const { contents, exposed, setLossy, lostCount } = openInMemoryWindow(preloadFile, 'corral://app/');
  transport.attach(contents as unknown as WebContents);
  const bridge = createIpcBridge(exposed['corral'] as WindowBridge);

  return Promise.resolve({
    bridge,
    async loseConnection(meanwhile: () => Promise<void>) {
      // There is no connection to lose, but messages: the one after the gap tells.
      setLossy(true);
      corral.engine.setPinned('one', true);
      await eventually('a message is lost', () => lostCount() > 0);
      setLossy(false);
      corral.engine.setPinned('one', false);
      await meanwhile();
    },
    async dispose() {
      transport.close();
      contents.destroy();
      await eventually('nobody listens', () => contents.listenerCount('destroyed') === 0);
    },
  });
});
