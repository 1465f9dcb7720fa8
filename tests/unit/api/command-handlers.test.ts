import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runCommand, type CommandHandlers } from '../../../electron/api/command-handlers.ts';
import { commandNames, commands, isCommandName, type CommandName } from '../../../shared/contract/commands.ts';

/** Handlers that give back what reached them. */
const reached: unknown[] = [];
const handlers = Object.fromEntries(
  commandNames.map((name) => [name, (request: unknown) => Promise.resolve(reached.push({ name, request }))]),
) as unknown as CommandHandlers;

const run = (name: CommandName, payload: unknown): Promise<unknown> =>
  runCommand(handlers, name, payload, new AbortController().signal);

/** The least that each command takes. */
const minimal: { readonly [Name in CommandName]: Record<string, unknown> } = {
  'get-snapshot': {},
  'load-model': { model: 'a' },
  'eject-model': { model: 'a' },
  'eject-all-models': {},
  'pin-model': { model: 'a' },
  'unpin-model': { model: 'a' },
  'reset-model': { model: 'a' },
  'plan-load': { model: 'a' },
  'set-game-mode': { isOn: true },
  'find-engine': {},
  'cancel-request': { request: 'r1' },
  'update-settings': { edits: [{ path: ['log', 'level'], value: 'debug' }] },
  'list-requests': {},
  'read-logs': { source: 'corral' },
  'read-settings': {},
  'preview-settings': { edits: [{ path: ['log', 'level'], value: 'debug' }] },
  'read-catalog': {},
  'read-memory-history': {},
  'rescan-catalog': {},
  'pull-model': { source: 'user/repo' },
  'delete-model': { model: 'a' },
  'pause-download': { download: 'd1' },
  'resume-download': { download: 'd1' },
  'cancel-download': { download: 'd1' },
  'list-downloads': {},
};

const withDefaults: Partial<Record<CommandName, Record<string, unknown>>> = {
  'eject-model': { model: 'a', mode: 'when-idle' },
  'eject-all-models': { mode: 'when-idle' },
  'read-logs': { source: 'corral', after: 0, limit: 1000 },
  'list-requests': { limit: 100 },
};

describe('runCommand', () => {
  it.each(commandNames)('hands %s on with defaults filled in', async (name) => {
    reached.length = 0;
    await run(name, minimal[name]);
    expect(reached).toEqual([{ name, request: withDefaults[name] ?? minimal[name] }]);
  });

  it.each(commandNames)('refuses payloads that are not for %s, before its handler', async (name) => {
    reached.length = 0;
    const wrong = [undefined, null, 7, 'a', [], [minimal[name]], { ...minimal[name], surplus: 1 }];
    for (const payload of wrong) await expect(run(name, payload)).rejects.toMatchObject({ code: 'invalid-request' });
    for (const key of Object.keys(minimal[name])) {
      for (const value of [undefined, null, 7, '', {}, ['a']]) {
        await expect(run(name, { ...minimal[name], [key]: value })).rejects.toMatchObject({
          code: 'invalid-request',
          message: expect.stringContaining(key) as string,
        });
      }
    }
    expect(reached).toEqual([]);
  });

  it.each([
    ['eject-model', { model: 'a', mode: 'soon' }],
    ['read-logs', { source: 'corral', after: -1 }],
    ['read-logs', { source: 'corral', limit: 0 }],
    ['read-logs', { source: 'corral', limit: 10_001 }],
    ['read-logs', { source: 'corral', limit: 1.5 }],
  ] as const)('refuses %s %j', async (name, payload) => {
    await expect(run(name, payload)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('takes or refuses anything, and never fails otherwise', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...commandNames), fc.jsonValue(), async (name, payload) => {
        const outcome = await run(name, payload).then(
          () => 'taken',
          (thrown: unknown) => (thrown as { code?: string }).code,
        );
        expect(['taken', 'invalid-request']).toContain(outcome);
      }),
    );
  });
});

describe('isCommandName', () => {
  it('knows the commands and nothing of the objects that hold them', () => {
    for (const name of commandNames) expect(isCommandName(name)).toBe(true);
    for (const name of ['toString', '__proto__', 'constructor', 'hasOwnProperty', '', 'Load-model'])
      expect(isCommandName(name)).toBe(false);
    expect(Object.keys(commands)).toEqual(commandNames);
  });
});
