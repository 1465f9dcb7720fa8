import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPreferences, type Preferences } from '../../../electron/shell/preferences.ts';

describe('preferences', () => {
  let folder: string;
  let filePath: string;
  let logged: string[];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'corral-test-'));
    filePath = path.join(folder, 'preferences.json');
    logged = [];
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  function open(write = (to: string, text: string) => writeFile(to, text)): Promise<Preferences> {
    return openPreferences({ filePath, write, log: (line) => logged.push(line) });
  }

  it('notifies until told otherwise, and remembers that', async () => {
    const preferences = await open();
    expect(preferences.hasNotifications()).toBe(true);
    await preferences.setNotifications(false);
    expect(preferences.hasNotifications()).toBe(false);
    expect((await open()).hasNotifications()).toBe(false);
    expect(logged).toEqual([]);
  });

  it.each(['{', '[]', '{"notifications":"yes"}', ''])(
    'starts with the defaults where the file holds %j, and says so',
    async (text) => {
      await writeFile(filePath, text);
      expect((await open()).hasNotifications()).toBe(true);
      expect(logged).toEqual([expect.stringContaining(`${filePath} cannot be read`)]);
    },
  );

  it('keeps what a newer version has written', async () => {
    await writeFile(filePath, '{"notifications":true,"theme":"dark"}');
    await (await open()).setNotifications(false);
    expect(JSON.parse(await readFile(filePath, 'utf8'))).toEqual({ notifications: false, theme: 'dark' });
  });

  it('writes one after the other, and the last one stays', async () => {
    const texts: string[] = [];
    let isWriting = false;
    const preferences = await open(async (_to, text) => {
      expect(isWriting).toBe(false);
      isWriting = true;
      await Promise.resolve();
      isWriting = false;
      texts.push(text);
    });
    await Promise.all([true, false, true, false].map((isOn) => preferences.setNotifications(isOn)));
    expect(texts.map((text) => (JSON.parse(text) as { notifications: boolean }).notifications)).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(preferences.hasNotifications()).toBe(false);
  });

  it('says why it could not be saved, stays as it was, and can be set afterwards', async () => {
    let isFull = true;
    const preferences = await open(() => (isFull ? Promise.reject(new Error('ENOSPC')) : Promise.resolve()));
    await expect(preferences.setNotifications(false)).rejects.toMatchObject({
      code: 'conflict',
      message: `The preference could not be saved: ENOSPC. Make sure that ${filePath} can be written.`,
    });
    expect(preferences.hasNotifications()).toBe(true);
    isFull = false;
    await preferences.setNotifications(false);
    expect(preferences.hasNotifications()).toBe(false);
  });
});
