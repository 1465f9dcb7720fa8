import { expect, it } from 'vitest';
import { pages } from '../../renderer/store/pages.ts';
import { fakeModel } from '../integration/support/corral.ts';
import { startDesktopWithWindow } from './support/desktop.ts';
import { screenshotAll } from './support/page-checks.ts';
import { waitUntil } from './support/wait-until.ts';

it('every page, light and dark: pictures, and no serious finding of axe', async () => {
  const config = {
    server: { port: 0 },
    memory: { maxLoaded: 2 },
    models: { one: fakeModel({ name: 'one' }), broken: fakeModel({ exitAtStart: 3, exitMessage: 'cannot go on' }) },
  };
  const { desktop, page } = await startDesktopWithWindow({ config });
  try {
    await (
      await desktop.startChat('one')
    ).text;
    await desktop.bridgeCall('load-model', { model: 'broken' }).catch(() => undefined); // It is meant to fail.
    await waitUntil('one is loaded', async () => (await desktop.model('one')).state === 'ready');
    const names = pages.map(({ name }) => name);
    expect(await screenshotAll(page, names)).toEqual({});
  } finally {
    await desktop.stop();
  }
}, 300_000);
