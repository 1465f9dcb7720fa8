import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bridge, BridgeUpdate } from '#shared/contract/bridge.ts';
import { commandNames, type CommandRequest } from '#shared/contract/commands.ts';
import { AppError } from '#shared/contract/errors.ts';
import { SECRET_MASK } from '#shared/contract/settings.ts';
import { snapshotSchema } from '#shared/contract/snapshot.ts';
import { eventually, fakeModel, startCorral, type TestCorral } from '../integration/support/corral.ts';

/** A bridge to a running Corral, and the means to disturb it. */
export interface BridgeUnderTest {
  readonly bridge: Bridge;
  /** Breaks whatever lies between, for as long as `meanwhile` takes. */
  loseConnection(meanwhile: () => Promise<void>): Promise<void>;
  /** Takes away what was set up beside the bridge, which the suite closes itself. */
  dispose(): Promise<void>;
}

interface Recorder {
  readonly updates: BridgeUpdate[];
  readonly disconnects: string[];
  end(): void;
}

function record(bridge: Bridge): Recorder {
  const updates: BridgeUpdate[] = [];
  const disconnects: string[] = [];
  const end = bridge.subscribe({
    onUpdate: (update) => void updates.push(update),
    onDisconnect: (reason) => void disconnects.push(reason),
  });
  return { updates, disconnects, end };
}

const CANARY = 'canary-of-the-contract';

/** What every bridge promises, tried on a real engine with fake models. */
export function describeBridge(name: string, createBridge: (corral: TestCorral) => Promise<BridgeUnderTest>): void {
  describe(name, () => {
    let corral: TestCorral;
    let subject: BridgeUnderTest;
    let bridge: Bridge;

    beforeEach(async () => {
      corral = await startCorral({
        memory: { maxLoaded: 2 },
        models: {
          one: fakeModel(
            { name: 'one', tokens: 20, tokenDelayMs: 30, slots: 1 },
            { aliases: ['uno'], env: { SERVICE: CANARY } },
          ),
          two: fakeModel({ name: 'two' }),
          broken: fakeModel({ exitAtStart: 3, exitMessage: 'cannot go on' }),
        },
      });
      subject = await createBridge(corral);
      ({ bridge } = subject);
    });

    afterEach(async () => {
      bridge.close();
      await subject.dispose();
      await corral.stop();
    });

    /** Waits until the newest update says what the engine says. */
    async function expectInStep({ updates }: Recorder): Promise<void> {
      const isInStep = (): boolean =>
        JSON.stringify(updates.at(-1)?.snapshot) === JSON.stringify(corral.engine.snapshot());
      await eventually('the subscriber is in step', isInStep, 300).catch(() => undefined); // The next line says how not.
      expect(updates.at(-1)?.snapshot).toEqual(corral.engine.snapshot());
    }

    function expectNoGaps({ updates }: Recorder): void {
      updates.forEach(({ snapshot, event }, index) => {
        const previous = updates[index - 1];
        if (event !== undefined) expect(snapshot.sequence).toBe((previous?.snapshot.sequence ?? Number.NaN) + 1);
      });
    }

    describe('commands', () => {
      it('get-snapshot gives the state as it is', async () => {
        const snapshot = await bridge.call('get-snapshot', {});
        expect(snapshot).toEqual(corral.engine.snapshot());
        expect(snapshotSchema.parse(snapshot)).toEqual(snapshot);
        expect(snapshot.models.map(({ id }) => id)).toEqual(['one', 'two', 'broken']);
      });

      it('load-model answers once the model is ready, under its id and its alias', async () => {
        const { model } = await bridge.call('load-model', { model: 'uno' });
        expect(model).toMatchObject({ id: 'one', state: 'ready', problem: null });
        expect(model.pid).toBeGreaterThan(0);
        expect((await bridge.call('load-model', { model: 'one' })).model.pid).toBe(model.pid);
      });

      it('load-model fails as a request for the model would', async () => {
        const failure = await bridge.call('load-model', { model: 'broken' }).catch((thrown: unknown) => thrown);
        expect(failure).toBeInstanceOf(AppError);
        expect(failure).toMatchObject({ code: 'start-failed', message: expect.stringContaining('broken') as string });
        const response = await corral.post('/v1/chat/completions', { model: 'broken', messages: [] });
        expect(response.status).toBe(503);
        await response.text();
      });

      it('a call can be called off', async () => {
        const gone = new AbortController();
        await bridge.call('load-model', { model: 'two' });
        await bridge.call('load-model', { model: 'one' });
        const busy = [corral.chat('one'), corral.chat('one')];
        await eventually('one waits', () => corral.model('one').waitingRequests === 1);
        const ejecting = bridge.call('eject-model', { model: 'one', mode: 'after-queue' }, gone.signal);
        gone.abort(new AppError('cancelled', 'No longer wanted.'));
        await expect(ejecting).rejects.toMatchObject({ code: 'cancelled' });
        await Promise.all(busy);
      });

      it('eject-model answers once the process is gone, and knows what was not loaded', async () => {
        await bridge.call('load-model', { model: 'two' });
        const { ejected } = await bridge.call('eject-model', { model: 'two' });
        expect(ejected).toMatchObject({ model: 'two', wasLoaded: true });
        expect(corral.model('two')).toMatchObject({ state: 'off', pid: null });
        expect(await bridge.call('eject-model', { model: 'two', mode: 'now' })).toMatchObject({
          ejected: { wasLoaded: false },
        });
      });

      it('eject-model waits for what runs, unless it is to be now', async () => {
        await bridge.call('load-model', { model: 'one' });
        const served = corral.chat('one');
        await eventually('one answers', () => corral.model('one').activeRequests === 1);
        await bridge.call('eject-model', { model: 'one', mode: 'when-idle' });
        expect(await served).toContain('one-token-20');

        await bridge.call('load-model', { model: 'one' });
        const cut = corral.post('/v1/chat/completions', { model: 'one', messages: [] });
        await eventually('one answers', () => corral.model('one').activeRequests === 1);
        await bridge.call('eject-model', { model: 'one', mode: 'now' });
        expect((await cut).headers.get('x-corral-error')).toBe('ejected');
        await (await cut).text();
      });

      it('eject-all-models empties everything', async () => {
        await Promise.all([bridge.call('load-model', { model: 'one' }), bridge.call('load-model', { model: 'two' })]);
        const { ejected } = await bridge.call('eject-all-models', {});
        expect(ejected.map(({ model }) => model).sort()).toEqual(['one', 'two']);
        expect(corral.engine.snapshot().models.map(({ pid }) => pid)).toEqual([null, null, null]);
        expect(await bridge.call('eject-all-models', { mode: 'now' })).toEqual({ ejected: [] });
      });

      it('pin-model and unpin-model set and clear it', async () => {
        expect((await bridge.call('pin-model', { model: 'uno' })).model).toMatchObject({ id: 'one', isPinned: true });
        expect(corral.model('one').isPinned).toBe(true);
        expect((await bridge.call('unpin-model', { model: 'one' })).model.isPinned).toBe(false);
      });

      it('reset-model forgets a failure', async () => {
        await expect(bridge.call('load-model', { model: 'broken' })).rejects.toMatchObject({ code: 'start-failed' });
        expect(corral.model('broken').state).not.toBe('off');
        expect((await bridge.call('reset-model', { model: 'broken' })).model).toMatchObject({
          id: 'broken',
          state: 'off',
        });
      });

      it('cancel-request takes a waiting request out of the queue, and only that one', async () => {
        await bridge.call('load-model', { model: 'one' });
        const served = corral.chat('one');
        await eventually('one answers', () => corral.model('one').activeRequests === 1);
        const waiting = corral.post('/v1/chat/completions', { model: 'one', messages: [] });
        await eventually('one waits', () => corral.engine.snapshot().queue.length === 1);
        const [entry] = (await bridge.call('get-snapshot', {})).queue;
        expect(entry).toMatchObject({ modelId: 'one', lane: 'default', waitsFor: 'slot', position: 1 });
        expect(await bridge.call('cancel-request', { request: entry?.id ?? '' })).toEqual({});
        expect((await waiting).headers.get('x-corral-error')).toBe('cancelled');
        await (await waiting).text();
        expect(await served).toContain('one-token-20');
        await expect(bridge.call('cancel-request', { request: entry?.id ?? '' })).rejects.toMatchObject({
          code: 'not-found',
        });
      });

      it('read-logs gives a model’s lines and Corral’s own, from any line on', async () => {
        await bridge.call('load-model', { model: 'two' });
        const { lines } = await bridge.call('read-logs', { source: 'two' });
        expect(lines.some(({ text }) => text.includes('model loaded'))).toBe(true);
        expect(lines.map(({ number }) => number)).toEqual(lines.map((_, index) => (lines[0]?.number ?? 0) + index));
        const [, second] = lines.slice(-2);
        const newest = await bridge.call('read-logs', { source: 'two', after: (second?.number ?? 0) - 1 });
        expect(newest.lines[0]).toEqual(second);
        expect((await bridge.call('read-logs', { source: 'two', limit: 1 })).hasEarlier).toBe(true);
        const own = await bridge.call('read-logs', { source: 'corral' });
        expect(own.lines.some(({ text }) => text.includes('Listening on'))).toBe(true);
      });

      it('read-logs pages backwards', async () => {
        await bridge.call('load-model', { model: 'two' });
        const all = await bridge.call('read-logs', { source: 'two' });
        const last = await bridge.call('read-logs', { source: 'two', limit: 2, before: all.lines.at(-1)?.number ?? 0 });
        expect(last.lines).toEqual(all.lines.slice(-3, -1));
        expect(last.hasEarlier).toBe(true);
        const first = all.lines[0]?.number ?? 0;
        expect(await bridge.call('read-logs', { source: 'two', before: first })).toEqual({
          lines: [],
          hasEarlier: false,
        });
      });

      it('read-settings gives the file without its secrets', async () => {
        const settings = await bridge.call('read-settings', {});
        expect(settings).toMatchObject({ exists: true, filePath: corral.engine.snapshot().instance.configPath });
        expect(settings.text).toContain('models:');
        expect(Object.keys(settings.values?.['models'] ?? {})).toEqual(['one', 'two', 'broken']);
        expect(settings.text).not.toContain(CANARY);
        expect(JSON.stringify(settings.values)).not.toContain(CANARY);
        expect(settings.schema).toHaveProperty('properties');
      });

      it('preview-settings says what a change would do, and does nothing', async () => {
        const before = await bridge.call('read-settings', {});
        const edits = [{ path: ['models', 'two', 'ttl'], value: '7m' }];
        const preview = await bridge.call('preview-settings', { edits });
        expect(preview).toMatchObject({ issues: [], restarts: [], added: [], removed: [], isListenerChanged: false });
        expect(preview.text).toContain('7m');
        expect(preview.text).not.toContain(CANARY);
        const bad = await bridge.call('preview-settings', {
          edits: [{ path: ['models', 'two', 'ttl'], value: 'soon' }],
        });
        expect(bad.issues).toMatchObject([{ path: 'models.two.ttl' }]);
        expect(await bridge.call('read-settings', {})).toEqual(before);
      });

      it('update-settings writes what the preview showed, and applies it', async () => {
        const edits = [{ path: ['models', 'two', 'aliases'], value: ['dos'] }];
        const { text } = await bridge.call('preview-settings', { edits });
        expect(await bridge.call('update-settings', { edits })).toEqual({});
        expect((await bridge.call('read-settings', {})).text).toBe(text);
        expect(corral.model('two').aliases).toEqual(['dos']);
        const masked = [{ path: ['models', 'two', 'aliases'], value: [SECRET_MASK] }];
        await expect(bridge.call('update-settings', { edits: masked })).rejects.toMatchObject({
          code: 'invalid-request',
        });
      });

      it('read-catalog leaves out models with a command of their own', async () => {
        const catalog = await bridge.call('read-catalog', {});
        expect(catalog.models).toEqual([]);
        for (const build of catalog.builds) expect(build.executable).toBeTruthy();
      });

      it('read-memory-history has what was read', async () => {
        await bridge.call('load-model', { model: 'two' });
        await eventually('a reading', async () => (await bridge.call('read-memory-history', {})).samples.length > 0);
        const { intervalMs, samples } = await bridge.call('read-memory-history', {});
        expect(intervalMs).toBeGreaterThan(0);
        expect(Object.keys(samples.at(-1)?.devices ?? {})).toEqual(
          corral.engine.snapshot().memory.devices.map(({ id }) => id),
        );
        expect(samples.at(-1)?.at).toBeLessThanOrEqual(Date.now());
      });

      it.each(['load-model', 'eject-model', 'pin-model', 'unpin-model', 'reset-model'] as const)(
        '%s says which models there are if it does not know one',
        async (command) => {
          await expect(bridge.call(command, { model: 'three' })).rejects.toMatchObject({
            code: 'not-found',
            message: expect.stringMatching(/three.*one, two, broken/) as string,
          });
        },
      );

      it('read-logs does not know other names', async () => {
        for (const source of ['three', '../corral', '/etc/passwd']) {
          await expect(bridge.call('read-logs', { source })).rejects.toMatchObject({ code: 'not-found' });
        }
      });

      it.each(commandNames)('%s refuses what is not its request', async (command) => {
        for (const payload of [
          null,
          [],
          'model',
          { surplus: 1 },
          { model: 7 },
          { request: {} },
          { mode: 'soon' },
          { after: -1 },
        ]) {
          const call = bridge.call(command, payload as CommandRequest<typeof command>);
          await expect(call, JSON.stringify(payload)).rejects.toMatchObject({ code: 'invalid-request' });
        }
        expect(corral.engine.snapshot().models.map(({ state, isPinned }) => `${state} ${isPinned}`)).toEqual(
          Array.from({ length: 3 }, () => 'off false'),
        );
      });
    });

    describe('subscriptions', () => {
      it('begin with the whole snapshot', async () => {
        await bridge.call('load-model', { model: 'two' });
        await eventually('its properties are known', () => corral.model('two').contextSize !== null);
        await eventually('its memory is known', () => corral.model('two').needHistory !== null);
        const recorder = record(bridge);
        await eventually('the first update', () => recorder.updates.length > 0);
        // What is free changes by itself, and the number with it.
        const { memory, sequence, ...rest } = corral.engine.snapshot();
        expect(recorder.updates[0]).toMatchObject({ snapshot: rest, event: undefined });
        expect(recorder.updates[0]?.snapshot.memory.isGameMode).toBe(memory.isGameMode);
        expect(recorder.updates[0]?.snapshot.sequence).toBeLessThanOrEqual(sequence);
      });

      it('lead to what a fresh snapshot says, by numbered events without gaps', async () => {
        const recorder = record(bridge);
        await eventually('the first update', () => recorder.updates.length > 0);
        await Promise.all([corral.chat('one'), corral.chat('one'), corral.chat('two'), corral.chat('two')]);
        await bridge.call('pin-model', { model: 'two' });
        await bridge.call('load-model', { model: 'broken' }).catch(() => undefined); // It is meant to fail.
        await bridge.call('eject-all-models', {});
        await bridge.call('reset-model', { model: 'broken' });
        await expectInStep(recorder);
        expectNoGaps(recorder);
        expect(recorder.updates.filter(({ event }) => event === undefined)).toHaveLength(1);
        expect(recorder.disconnects).toEqual([]);
        const states = recorder.updates.map(({ snapshot }) => snapshot.models[0]?.state);
        expect(states).toContain('ready');
        expect(states.at(-1)).toBe('off');
      });

      // The number of waiting requests is part of the model; who leaves the queue unserved changes it, too.
      it('stay in step when requests leave the queue unserved', async () => {
        await bridge.call('load-model', { model: 'one' });
        const recorder = record(bridge);
        const served = corral.chat('one');
        await eventually('one answers', () => corral.model('one').activeRequests === 1);
        const gone = new AbortController();
        const left = corral
          .post('/v1/chat/completions', { model: 'one', messages: [] }, { signal: gone.signal })
          .catch(() => 'left');
        const cancelled = corral.post('/v1/chat/completions', { model: 'one', messages: [] });
        await eventually('two wait', () => recorder.updates.at(-1)?.snapshot.models[0]?.waitingRequests === 2);
        gone.abort();
        await left;
        await eventually('one waits', () => corral.engine.snapshot().queue.length === 1);
        corral.engine.cancelRequest(corral.engine.snapshot().queue[0]?.id ?? '');
        await (await cancelled).text();
        await expectInStep(recorder);
        expect(recorder.updates.at(-1)?.snapshot.models[0]).toMatchObject({ activeRequests: 1, waitingRequests: 0 });
        await served;
      });

      it('tell that requests ended, together where they ended together', async () => {
        const recorder = record(bridge);
        await eventually('the first update', () => recorder.updates.length > 0);
        await Promise.all([corral.chat('two'), corral.chat('two'), corral.chat('two')]);
        const totals = (): number[] =>
          recorder.updates.flatMap(({ event }) => (event?.type === 'requests-recorded' ? [event.total] : []));
        await eventually('all are told', () => totals().at(-1) === 3);
        expect(totals()).toEqual([...new Set(totals())].sort((a, b) => a - b));
        expect((await bridge.call('list-requests', {})).requests).toHaveLength(3);
      });

      it('tell every subscriber the same', async () => {
        const recorders = [record(bridge), record(bridge)];
        await eventually('both begin', () => recorders.every(({ updates }) => updates.length > 0));
        await corral.chat('two');
        for (const recorder of recorders) await expectInStep(recorder);
        expectNoGaps(recorders[0] ?? record(bridge));
      });

      it('come back by themselves when the connection was lost, with what happened meanwhile', async () => {
        const recorder = record(bridge);
        await eventually('the first update', () => recorder.updates.length > 0);
        await subject.loseConnection(async () => {
          await eventually('the loss is told', () => recorder.disconnects.length > 0);
          corral.engine.setPinned('two', true);
        });
        await eventually('it is back', () => recorder.updates.at(-1)?.snapshot.models[1]?.isPinned === true);
        await corral.chat('two');
        await expectInStep(recorder);
        expectNoGaps(recorder);
        expect(recorder.updates.filter(({ event }) => event === undefined).length).toBeGreaterThanOrEqual(2);
      });

      it('end when they are told to, alone', async () => {
        const [ended, kept] = [record(bridge), record(bridge)];
        await eventually('both begin', () => ended.updates.length > 0 && kept.updates.length > 0);
        ended.end();
        ended.end();
        const count = ended.updates.length;
        corral.engine.setPinned('two', true);
        await eventually('the other hears it', () => kept.updates.at(-1)?.snapshot.models[1]?.isPinned === true);
        expect(ended.updates).toHaveLength(count);
        expect(ended.disconnects).toEqual([]);
      });

      it('tell that Corral shuts down', async () => {
        const recorder = record(bridge);
        await eventually('the first update', () => recorder.updates.length > 0);
        const stopped = corral.engine.stop();
        await eventually(
          'the shutdown or the loss is told',
          () => recorder.updates.at(-1)?.snapshot.instance.isShuttingDown === true || recorder.disconnects.length > 0,
        );
        await stopped;
      });
    });

    it('ends all subscriptions and calls when it is closed', async () => {
      const recorder = record(bridge);
      await eventually('the first update', () => recorder.updates.length > 0);
      await bridge.call('load-model', { model: 'one' });
      const served = corral.chat('one');
      await eventually('one answers', () => corral.model('one').activeRequests === 1);
      const running = bridge.call('eject-model', { model: 'one', mode: 'when-idle' });
      running.catch(() => undefined); // Looked at below; it may fail before that.
      await eventually('the eject has begun', () => corral.model('one').state === 'draining');
      bridge.close();
      await expect(running).rejects.toBeInstanceOf(AppError);
      await expect(bridge.call('get-snapshot', {})).rejects.toBeInstanceOf(AppError);
      const count = recorder.updates.length;
      corral.engine.setPinned('two', true);
      await served;
      expect(recorder.updates).toHaveLength(count);
      expect(recorder.disconnects).toEqual([]);
      bridge.close();
    });
  });
}
