import { AppError } from '#shared/contract/errors.ts';
import type { ModelState } from '#shared/model/model-state.ts';
import type { ExitRecord } from '../../electron/engine/process/child-process.ts';
import { nextState, type ProcessEvent } from '../../electron/engine/process/process-state.ts';
import type { Endpoint } from '../../electron/engine/supervisor/endpoint.ts';
import type { StartOptions } from '../../electron/engine/supervisor/launch.ts';
import type { ModelProcess, ModelProcessView } from '../../electron/engine/supervisor/model-process-contract.ts';
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
  /** The process takes what it needs; false if there is too little, which ends it once it would have been ready. */
  takeMemory?(pid: number, options: StartOptions): boolean;
  /** The process with this pid is no more. */
  onGone?(pid: number): void;
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

/** `askedBy` for those somebody asked for. */
type OnTransition = (modelId: string, state: ModelState, askedBy?: string) => void;

/**
 * Processes without processes: they load, fail, crash and stop by the fake clock, and keep the table of states. A start that
 * is refused is told of before the change of state, one whose process ended after it; a crash comes with the time of the
 * next start.
 */
export function createFakeSupervisor(
  clock: FakeClock,
  behaviours: ReadonlyMap<string, FakeProcessBehaviour>,
  onTransition: OnTransition = () => undefined,
): FakeSupervisor {
  let lastPid = 0;
  let listener: SupervisorListener | undefined;
  const processes = new Map<string, FakeModelProcess>();
  const ensureProcess = (modelId: string): void => {
    if (processes.has(modelId)) return;
    const process = createFakeProcess(modelId, clock, behaviours.get(modelId) ?? PROMPT, {
      nextPid: () => (lastPid += 1),
      onTransition: (state, askedBy) => onTransition(modelId, state, askedBy),
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
    nextPid(): number;
    onTransition(state: ModelState, askedBy?: string): void;
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

  function move(event: ProcessEvent, change: Partial<ModelProcessView> = {}, askedBy?: string): void {
    const state = nextState(view.state, event);
    if (state === undefined) throw new Error(`${modelId} cannot do ${event} while ${view.state}`);
    const { pid } = view;
    view = { ...view, ...change, state, ...(event === 'exited' ? { pid: null, endpoint: null } : {}) };
    if (event === 'exited' && pid !== null) behaviour.onGone?.(pid);
    tell.onTransition(state, askedBy);
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

  function endUnasked(message: string, details: { reason?: string } = {}): AppError {
    const error = new AppError('start-failed', message, { details });
    failureTimesMs.push(clock.nowMs());
    const decision = decideRestart(failureTimesMs);
    move('exited', {
      problem: error,
      lastExit: { ...exit(undefined), atWallMs: clock.wallMs() },
      ...(decision.kind === 'wait' ? { nextStartAtMs: decision.untilMs } : {}),
    });
    if (decision.kind === 'give-up') move('gave-up', { problem: new AppError('model-failed', message, { details }) });
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
      move('stop-requested', {}, askedBy);
      after(behaviour.stopMs, () => {
        move('exited', { lastExit: { ...exit(askedBy), atWallMs: clock.wallMs() } });
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
    start(options = {}) {
      startCount += 1;
      const outcome = behaviour.nextStart();
      move('start-requested', { problem: null });
      after(behaviour.prepareMs, () => {
        if (outcome === 'refused') {
          refuse(new AppError('start-failed', `${modelId} has no file`));
          return;
        }
        const pid = tell.nextPid();
        move('spawned', { generation: view.generation + 1, pid });
        const hasMemory = behaviour.takeMemory?.(pid, options) ?? true;
        after(behaviour.loadMs, () => {
          if (outcome === 'ready' && hasMemory) {
            move('became-ready', { endpoint: fakeEndpoint(modelId, view.generation), lastLoadMs: behaviour.loadMs });
            tell.onChange();
            return;
          }
          const error = hasMemory
            ? endUnasked(`${modelId} exits at start`)
            : endUnasked(`${modelId} ran out of memory`, { reason: 'out-of-memory' });
          tell.onChange();
          tell.onStartFailed(error);
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
    basePath: '',
    listen: { kind: 'socket', path: `/${modelId}/${generation}.sock` },
    apiKey: undefined,
    piecesSeen: 0,
    runningRequests: 0,
    origin: `http://${modelId}/${generation}`,
    dispatcher: undefined as unknown as Endpoint['dispatcher'],
    streams: undefined as unknown as Endpoint['streams'],
    close: () => Promise.resolve(),
  };
}
