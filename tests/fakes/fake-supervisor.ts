import { AppError } from '#shared/contract/errors.ts';
import type { ModelState } from '#shared/model/model-state.ts';
import type { ExitRecord } from '../../electron/engine/process/child-process.ts';
import { nextState, type ProcessEvent } from '../../electron/engine/process/process-state.ts';
import type { Endpoint } from '../../electron/engine/supervisor/endpoint.ts';
import type { ModelProcess, ModelProcessView } from '../../electron/engine/supervisor/model-process.ts';
import { decideRestart } from '../../electron/engine/supervisor/restart-policy.ts';
import type { Supervisor, SupervisorListener } from '../../electron/engine/supervisor/supervisor.ts';
import type { FakeClock } from './fake-clock.ts';

export interface FakeProcessBehaviour {
  /** Before the process exists (a file check, a port). */
  prepareMs: number;
  loadMs: number;
  stopMs: number;
  /** What the next start comes to. */
  nextStart(): 'ready' | 'refused' | 'exits';
}

export interface FakeModelProcess extends ModelProcess {
  /** Ends the process as if it had died; nothing happens where there is none. */
  crash(): void;
  readonly startCount: () => number;
}

export interface FakeSupervisor extends Supervisor {
  process(modelId: string): FakeModelProcess;
}

/** For models that come with a later configuration. */
const PROMPT: FakeProcessBehaviour = { prepareMs: 1, loadMs: 1, stopMs: 1, nextStart: () => 'ready' };

/**
 * Processes without processes: they load, fail, crash and stop by the fake clock, and keep the table of states. A start
 * that failed is told of before the change of state is, and a crash together with the time of the next start.
 */
export function createFakeSupervisor(
  clock: FakeClock,
  behaviours: ReadonlyMap<string, FakeProcessBehaviour>,
  onTransition: (modelId: string, state: ModelState) => void = () => undefined,
): FakeSupervisor {
  let listener: SupervisorListener | undefined;
  const processes = new Map<string, FakeModelProcess>();
  const ensureProcess = (modelId: string): void => {
    if (processes.has(modelId)) return;
    const process = createFakeProcess(modelId, clock, behaviours.get(modelId) ?? PROMPT, {
      onTransition: (state) => onTransition(modelId, state),
      onChange: () => listener?.onChange(modelId),
      onStartFailed: (error) => listener?.onStartFailed(modelId, error),
    });
    processes.set(modelId, process);
  };
  for (const modelId of behaviours.keys()) ensureProcess(modelId);
  return {
    process(modelId) {
      const found = processes.get(modelId);
      if (found === undefined) throw new AppError('not-found', `There is no model "${modelId}".`);
      return found;
    },
    modelIds: () => [...processes.keys()],
    configure(models) {
      for (const modelId of models.keys()) ensureProcess(modelId);
    },
    forget: (modelId) => void processes.delete(modelId),
    listen(next) {
      listener = next;
    },
    async stopAll(askedBy) {
      await Promise.all([...processes.values()].map((each) => each.stop(askedBy)));
    },
  };
}

function createFakeProcess(
  modelId: string,
  clock: FakeClock,
  behaviour: FakeProcessBehaviour,
  tell: {
    onTransition(state: ModelState): void;
    onChange(): void;
    onStartFailed(error: AppError): void;
  },
): FakeModelProcess {
  let failureTimesMs: number[] = [];
  let timer = clock.setTimer(0, () => undefined);
  let startCount = 0;
  let onGone: (() => void)[] = [];
  let view: ModelProcessView = {
    state: 'off',
    detail: null,
    loadProgress: null,
    pid: null,
    endpoint: null,
    generation: 0,
    commandLine: null,
    slots: null,
    contextSize: null,
    stateSinceWallMs: 0,
    lastLoadMs: null,
    problem: null,
    lastExit: null,
    nextStartAtMs: 0,
    warnings: [],
  };

  function move(event: ProcessEvent, change: Partial<ModelProcessView> = {}): void {
    const state = nextState(view.state, event);
    if (state === undefined) throw new Error(`${modelId} cannot do ${event} while ${view.state}`);
    view = { ...view, ...change, state };
    tell.onTransition(state);
  }

  function after(delayMs: number, action: () => void): void {
    timer.cancel();
    timer = clock.setTimer(delayMs, action);
  }

  function settleGone(): void {
    const waiting = onGone;
    onGone = [];
    for (const resolve of waiting) resolve();
  }

  const exit = (askedBy: string | undefined): ExitRecord => ({
    exitCode: askedBy === undefined ? 1 : 0,
    signal: null,
    spawnErrorCode: undefined,
    askedBy,
  });

  function endUnasked(message: string): AppError {
    const error = new AppError('start-failed', message);
    failureTimesMs.push(clock.nowMs());
    const decision = decideRestart(failureTimesMs);
    move('exited', {
      endpoint: null,
      problem: error,
      lastExit: { ...exit(undefined), atWallMs: clock.wallMs() },
      ...(decision.kind === 'wait' ? { nextStartAtMs: decision.untilMs } : {}),
    });
    if (decision.kind === 'give-up') move('gave-up', { problem: new AppError('model-failed', message) });
    settleGone();
    return view.problem ?? error;
  }

  function refuse(error: AppError | null): void {
    move('start-refused', { problem: error });
    if (error !== null) tell.onStartFailed(error);
    tell.onChange();
    settleGone();
  }

  function stop(askedBy: string): Promise<ExitRecord | undefined> {
    if (view.state === 'starting') {
      after(0, () => refuse(null));
      return new Promise((resolve) => onGone.push(() => resolve(undefined)));
    }
    if (view.state === 'off' || view.state === 'crashed' || view.state === 'failed') return Promise.resolve(undefined);
    if (view.state !== 'stopping') {
      move('stop-requested');
      after(behaviour.stopMs, () => {
        move('exited', { endpoint: null, lastExit: { ...exit(askedBy), atWallMs: clock.wallMs() } });
        tell.onChange();
        settleGone();
      });
      tell.onChange();
    }
    return new Promise((resolve) => onGone.push(() => resolve(exit(askedBy))));
  }

  return {
    view: () => view,
    startCount: () => startCount,
    start() {
      startCount += 1;
      const outcome = behaviour.nextStart();
      move('start-requested', { problem: null });
      after(behaviour.prepareMs, () => {
        if (outcome === 'refused') {
          refuse(new AppError('start-failed', `${modelId} has no file`));
          return;
        }
        move('spawned', { generation: view.generation + 1 });
        after(behaviour.loadMs, () => {
          if (outcome === 'exits') tell.onStartFailed(endUnasked(`${modelId} exits at start`));
          else move('became-ready', { endpoint: fakeEndpoint(modelId, view.generation) });
          tell.onChange();
        });
        tell.onChange();
      });
      tell.onChange();
    },
    abandonStart() {
      if (view.state !== 'starting') return false;
      after(0, () => refuse(null));
      return true;
    },
    drain() {
      move('drain-requested');
      tell.onChange();
    },
    cancelDrain() {
      move('drain-cancelled');
      tell.onChange();
    },
    stop,
    configure: () => undefined, // The settings of a process that never runs change nothing.
    reset() {
      failureTimesMs = [];
      if (view.state === 'failed' || view.state === 'crashed') move('reset', { problem: null, nextStartAtMs: 0 });
      else view = { ...view, nextStartAtMs: 0 };
      tell.onChange();
    },
    crash() {
      if (view.state !== 'ready' && view.state !== 'draining') return;
      timer.cancel();
      endUnasked(`${modelId} crashed`);
      tell.onChange();
    },
  };
}

/** Good enough to be told apart; nobody sends anything to it. */
function fakeEndpoint(modelId: string, generation: number): Endpoint {
  return {
    listen: { kind: 'socket', path: `/${modelId}/${generation}.sock` },
    apiKey: undefined,
    lastByteAtMs: 0,
    runningRequests: 0,
    origin: `http://${modelId}/${generation}`,
    dispatcher: undefined as unknown as Endpoint['dispatcher'],
    close: () => Promise.resolve(),
  };
}
