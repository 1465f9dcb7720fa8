import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestFolder, eventually, type TestFolder } from '../support/corral.ts';
import { fakeServerCommand, type FakeServerFlags } from '../support/fake-server-command.ts';
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

const cmd = (flags: FakeServerFlags): string =>
  fakeServerCommand(flags)
    .map((word) => (word === '${PORT}' ? word : `"${word}"`))
    .join(' ');

async function serve(document: Record<string, unknown>): Promise<ForeignCorral> {
  corral = await startForeign(folder, document);
  return corral;
}

const chat = (model: string, more: Record<string, unknown> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], ...more }),
});

const route = '/v1/chat/completions';

describe('concurrencyLimit', () => {
  it('refuses what is beyond it at once, and lets it wait at Corral’s own address', async () => {
    const slow = cmd({ responseDelayMs: 800 });
    const { engine, ask, nativeAddress } = await serve({ models: { one: { cmd: slow, concurrencyLimit: 2 } } });
    // Those that wait for the model to load count, too.
    const both = [ask(route, chat('one')), ask(route, chat('one'))];
    const count = (): number => engine.model('one').activeRequests + engine.model('one').waitingRequests;
    await eventually('both are there', () => count() === 2);
    const refused = await ask(route, chat('one'));
    expect([refused.status, refused.text]).toEqual([429, 'Too many requests']);
    expect(refused.body, 'plain text').toBeUndefined();

    const waiting = fetch(`${nativeAddress}${route}`, chat('one'));
    await eventually('it waits', () => count() === 3);
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await waiting).status).toBe(200);
    expect((await ask(route, chat('one'))).status).toBe(200);
  });

  it('refuses nobody where the file names none', async () => {
    const { ask } = await serve({ models: { one: { cmd: cmd({ tokens: 2 }), concurrencyLimit: 0 } } });
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(route, chat('one'))));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
  });
});

describe('sendLoadingState', () => {
  it.each([true, false])('of the file is %j, and a model may have its own', async (isSent) => {
    const slow = cmd({ loadDelayMs: 2500, tokens: 2 });
    const { ask } = await serve({
      sendLoadingState: isSent,
      models: {
        usual: { cmd: slow },
        own: { cmd: slow, sendLoadingState: !isSent },
      },
      groups: { all: { swap: false, members: ['usual', 'own'] } },
    });
    const [usual, own] = await Promise.all(['usual', 'own'].map((name) => ask(route, chat(name, { stream: true }))));
    expect([usual?.status, own?.status]).toEqual([200, 200]);
    const hasComments = (text: string | undefined): boolean => /^: (?:starting|loading|waiting)/m.test(text ?? '');
    expect([hasComments(usual?.text), hasComments(own?.text)]).toEqual([isSent, !isSent]);
  });
});
