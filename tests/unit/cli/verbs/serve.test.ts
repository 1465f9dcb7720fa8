import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '#shared/contract/errors.ts';
import { serve, type RunningEngine } from '../../../../electron/cli/verbs/serve.ts';
import { createRecordingTerminal } from '../support/recording-terminal.ts';
import { modelView, snapshotOf } from '../../../fakes/views.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function createScene({ activeRequests = 0 } = {}) {
  const terminal = createRecordingTerminal();
  const processEvents = new EventEmitter();
  const stops: boolean[] = [];
  let stopped: PromiseWithResolversLike | undefined;
  const engine: RunningEngine = {
    snapshot: () => snapshotOf({ models: [modelView({ state: 'ready', activeRequests })] }),
    stop({ isHurried = false } = {}) {
      stops.push(isHurried);
      stopped ??= deferred();
      return stopped.promise;
    },
  };
  const started = deferred<RunningEngine>();
  const code = serve(
    { configFile: undefined, host: undefined, port: 0, dataDir: undefined, version: '1.2.3' },
    {
      terminal,
      processEvents,
      start: (options) => {
        options.print('Corral listens');
        options.printLog('info Listening');
        return started.promise;
      },
    },
  );
  return {
    terminal,
    processEvents,
    stops,
    code,
    started,
    start: async () => {
      started.resolve(engine);
      await settle();
    },
    finishStop: () => stopped?.resolve(),
    failStop: (error: Error) => stopped?.reject(error),
  };
}

interface PromiseWithResolversLike<Value = void> {
  readonly promise: Promise<Value>;
  resolve(value: Value): void;
  reject(error: Error): void;
}

function deferred<Value = void>(): PromiseWithResolversLike<Value> {
  let resolve!: (value: Value) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<Value>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

describe('serve', () => {
  it('prints to standard output what is for the operator, and the log to standard error', async () => {
    const scene = createScene();
    await scene.start();
    expect(scene.terminal.output).toBe('Corral listens\n');
    expect(scene.terminal.errors).toBe('info Listening\n');
    scene.processEvents.emit('SIGTERM');
    scene.finishStop();
    await scene.code;
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('stops in order at %s and exits with 0', async (signal) => {
    const scene = createScene();
    await scene.start();
    scene.processEvents.emit(signal);
    expect(scene.stops).toEqual([false]);
    scene.finishStop();
    expect(await scene.code).toBe(0);
    expect(scene.processEvents.eventNames()).toEqual([]);
    expect(scene.terminal.output).not.toContain('Stopping');
  });

  it('says what it waits for, and hurries at the second signal', async () => {
    const scene = createScene({ activeRequests: 2 });
    await scene.start();
    scene.processEvents.emit('SIGINT');
    expect(scene.terminal.output).toContain(
      'Stopping: waits for 2 running requests (press Ctrl-C again to stop now)\n',
    );
    scene.processEvents.emit('SIGINT');
    expect(scene.stops).toEqual([false, true]);
    scene.finishStop();
    expect(await scene.code).toBe(0);
  });

  it('stops as soon as it has started if it was asked to meanwhile', async () => {
    const scene = createScene();
    scene.processEvents.emit('SIGTERM');
    expect(scene.stops).toEqual([]);
    await scene.start();
    expect(scene.stops).toEqual([false]);
    scene.finishStop();
    expect(await scene.code).toBe(0);
  });

  it('leaves at the second signal if it has not started yet', async () => {
    const scene = createScene();
    scene.processEvents.emit('SIGINT');
    scene.processEvents.emit('SIGINT');
    expect(await scene.code).toBe(130);
  });

  it('exits with 1 and every reason if it cannot start', async () => {
    const scene = createScene();
    scene.started.reject(new AppError('config-invalid', 'c.yaml has 2 errors:\n  a: wrong\n  b: wrong'));
    expect(await scene.code).toBe(1);
    expect(scene.terminal.errors).toContain('corral: c.yaml has 2 errors:\n  a: wrong\n  b: wrong\n');
  });

  it('exits with 1 if it cannot stop in order', async () => {
    const scene = createScene();
    await scene.start();
    scene.processEvents.emit('SIGTERM');
    scene.processEvents.emit('SIGTERM');
    scene.failStop(new Error('the disk is full'));
    expect(await scene.code).toBe(1);
    expect(scene.terminal.errors).toContain('the disk is full');
  });

  it.each(['uncaughtException', 'unhandledRejection'])('logs an %s, stops in order and exits with 1', async (event) => {
    const scene = createScene();
    await scene.start();
    scene.processEvents.emit(event, new TypeError('x is not a function'));
    scene.processEvents.emit(event, new TypeError('again'));
    expect(scene.stops).toEqual([false]);
    expect(scene.terminal.errors).toMatch(
      /error Corral has a defect and stops: TypeError: x is not a function\n {4}at /,
    );
    scene.finishStop();
    expect(await scene.code).toBe(1);
  });

  describe('on a clock', () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
    afterEach(() => void vi.useRealTimers());

    it('says after a second that models have not ended yet', async () => {
      const scene = createScene();
      await scene.start();
      scene.processEvents.emit('SIGTERM');
      vi.advanceTimersByTime(999);
      expect(scene.terminal.output).not.toContain('Stopping');
      vi.advanceTimersByTime(1);
      expect(scene.terminal.output).toContain('Stopping: waits for 1 model to end (press Ctrl-C again to stop now)\n');
      scene.finishStop();
      await scene.code;
      expect(vi.getTimerCount()).toBe(0);
    });

    it('ends a minute after a defect even if nothing else does', async () => {
      const scene = createScene();
      await scene.start();
      scene.processEvents.emit('uncaughtException', new Error('defect'));
      vi.advanceTimersByTime(60_000);
      expect(await scene.code).toBe(1);
    });
  });
});
