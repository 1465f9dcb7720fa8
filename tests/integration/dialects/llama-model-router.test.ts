import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestFolder, eventually, type TestFolder } from '../support/corral.ts';
import { startForeign, type ForeignCorral } from '../support/foreign.ts';

let folder: TestFolder;
let corral: ForeignCorral | undefined;

beforeEach(async () => {
  folder = await createTestFolder();
});
afterEach(async () => {
  await corral?.stop();
  corral = undefined;
  await folder.dispose();
});

const document = { pools: [{ name: 'lab', endpoints: ['http://127.0.0.1:9'], models: ['m'] }] };
const KEPT_OUT = /other machines are kept out: it listens on 127\.0\.0\.1 instead of 0\.0\.0\.0/;

describe('an address that other machines could reach', () => {
  it('is warned of where it would be used', async () => {
    corral = await startForeign(folder, document);
    expect(corral.logLines.join('\n')).toMatch(KEPT_OUT);
  });

  it('is no matter where the command line names another one', async () => {
    corral = await startForeign(folder, document, { host: '127.0.0.1' });
    expect(new URL(corral.address).hostname).toBe('127.0.0.1');
    expect(corral.logLines.join('\n')).not.toMatch(KEPT_OUT);
    // Nor once the file is read anew.
    const changed = {
      pools: [...document.pools, { name: 'other', endpoints: ['http://127.0.0.1:10'], models: ['n'] }],
    };
    await folder.write('foreign.json', JSON.stringify(changed));
    await eventually('the change is applied', () => corral?.engine.snapshot().pools.length === 2);
    expect(corral.logLines.join('\n')).not.toMatch(KEPT_OUT);
  });

  it('is refused where the command line names one, too', async () => {
    await expect(startForeign(folder, document, { host: '0.0.0.0' })).rejects.toMatchObject({ code: 'config-invalid' });
  });
});
