import { rm } from 'node:fs/promises';
import type { LogLine } from '#shared/contract/commands.ts';
import { AppError, toAppError } from '#shared/contract/errors.ts';
import { formatDuration } from '#shared/model/units.ts';
import type { ModelConfig } from '../config/resolved-config.ts';
import { readServerProperties } from '../llama/server-properties.ts';
import type { Timer } from '../ports/clock.ts';
import { startChild, type Child, type ExitRecord } from '../process/child-process.ts';
import { nextState, type ProcessEvent } from '../process/process-state.ts';
import { beforeSignalOf } from './before-signal.ts';
import {
  describeExit,
  explainCrash,
  explainFailedStart,
  type StartLimit,
  explainGivenUp,
  explainHung,
  withRetryAfter,
} from './explain-exit.ts';
import { describeListenAddress, openEndpoint } from './endpoint.ts';
import { prepareLaunch, type Launch, type StartOptions } from './launch.ts';
import { watchHealth } from './health-watch.ts';
import { maskSecrets } from './mask-secrets.ts';
import type { ModelProcess, ModelProcessDependencies, ModelProcessView } from './model-process-contract.ts';
import type { HealthAnswer } from './readiness.ts';
import { restoreKvCache } from './restore-kv-cache.ts';
import { decideRestart } from './restart-policy.ts';
import { createStartWatch } from './start-watch.ts';

/** A port may be taken between the moment it was found free and the moment the child binds it. */
const MAX_BIND_TRIES = 3;
const DIAGNOSIS_LINES = 200;
/** What was not ready at its deadline has nothing to save, and its place is waited for. */
const LATE_GRACE_MS = 500;
const HUNG_GRACE_MS = 500;
/** llama-server answers health checks while it generates; simple servers behind a command may do one thing at a time. */
const BUSY_PATIENCE_MS = { file: 0, command: 60_000 } as const;
/** For servers that do not tell: an unknown llama-server has one slot, other servers batch by themselves. */
const UNTOLD_SLOTS = { file: 1, command: 10 } as const;
const NO_WARNINGS: readonly string[] = [];
/** What a view says of a process while there is none. */
const NO_PROCESS = {
  detail: null,
  loadProgress: null,
  pid: null,
  endpoint: null,
  commandLine: null,
  slots: null,
  contextSize: null,
} as const;

interface FailedAttempt {
  readonly record: ExitRecord;
  readonly error: AppError;
  /** Another program took the port between our look and the child's bind. */
  readonly isPortTaken: boolean;
}

class StartAbandoned extends Error {
  override readonly name = 'StartAbandoned';
}

/**
 * One model's process through all its lives, and the only writer of its state. Knows nothing of requests: when to start
 * and stop is the scheduler's business.
 */
export function createModelProcess(initial: ModelConfig, dependencies: ModelProcessDependencies): ModelProcess {
  const { clock, logger } = dependencies;
  let model = initial;
  let view: ModelProcessView = {
    ...NO_PROCESS,
    state: 'off',
    generation: 0,
    stateSinceWallMs: clock.wallMs(),
    lastLoadMs: null,
    problem: null,
    lastExit: null,
    nextStartAtMs: 0,
    warnings: NO_WARNINGS,
  };
  let failureTimesMs: number[] = [];
  let child: Child | undefined;
  let launch: Launch | undefined;
  /** Where the present or next process goes. */
  let startOptions: StartOptions = {};
  let starting: { abort: AbortController; done: Promise<void> } | undefined;
  let stopAskedBy: string | undefined;
  let linesOfRun = 0;
  let endHealthWatch: (() => void) | undefined;
  /** Why the health watch ended the process, if it did. */
  let hungError: AppError | undefined;
  /** The change of state after a process that had been ready ended, and what is left to clean up; `stop` waits for both. */
  let afterExit: Promise<void> = Promise.resolve();
  /** The last stop, its stop command included. */
  let ending: Promise<unknown> = Promise.resolve();
  let cleanup: Promise<void> = Promise.resolve();

  function update(change: Partial<ModelProcessView>): void {
    view = { ...view, ...change };
    dependencies.onChange();
  }

  function apply(event: ProcessEvent, change: Partial<ModelProcessView> = {}): void {
    const state = nextState(view.state, event);
    if (state === undefined) {
      throw new AppError('internal', `Model ${model.id} cannot do \`${event}\` while it is ${view.state}.`);
    }
    logger.log('debug', `${model.id}: ${view.state} → ${state}`, { model: model.id, event });
    update({ ...change, state, stateSinceWallMs: clock.wallMs() });
  }

  function append(stream: LogLine['stream'], text: string): void {
    linesOfRun += 1;
    dependencies.appendLog(stream, text);
  }

  function note(text: string): void {
    append('corral', text);
  }

  /** The newest lines of the present process: an earlier one may have ended for another reason. */
  function readTailOfRun(): string[] {
    return dependencies.readLogTail(Math.min(DIAGNOSIS_LINES, linesOfRun));
  }

  /**
   * From a live state to `crashed`, or on to `failed` if it was one time too many. The earliest next start is part of the
   * same change: whoever hears of the crash may ask for a start at once.
   */
  function applyCrash(error: AppError, change: Partial<ModelProcessView>): void {
    logger.log('warn', error.message, { model: model.id });
    failureTimesMs = [...failureTimesMs, clock.nowMs()].slice(-16);
    const decision = decideRestart(failureTimesMs);
    const nextStartAtMs = decision.kind === 'wait' ? decision.untilMs : Number.POSITIVE_INFINITY;
    const retryAfterSeconds = Math.max(1, Math.ceil((nextStartAtMs - clock.nowMs()) / 1000));
    const problem =
      error.code === 'start-failed' && decision.kind === 'wait' ? withRetryAfter(error, retryAfterSeconds) : error;
    apply('exited', { ...change, problem, nextStartAtMs });
    if (decision.kind === 'wait') return;
    apply('gave-up', { problem: explainGivenUp(model, decision.failures, error) });
  }

  /** Spawns once and waits until it is ready. Returns how it failed, if it did; throws if no process came to exist. */
  async function attempt(signal: AbortSignal): Promise<FailedAttempt | undefined> {
    const prepared = await prepareLaunch(
      model,
      startOptions,
      { ...dependencies, onDetail: (detail) => update({ detail }) },
      signal,
    );
    if (signal.aborted) throw signal.reason as Error;
    launch = prepared;
    for (const warning of prepared.warnings) note(`[corral] ${warning}`);
    const spawnedAtMs = clock.nowMs();
    const ended = new AbortController();
    let unanswered: Timer | undefined;
    const watch = createStartWatch(prepared, {
      clock,
      signal: ended.signal,
      onLogFact(fact) {
        dependencies.onLogFact?.(model.id, fact);
        if (fact.kind === 'progress') update({ loadProgress: fact.progress });
      },
      onAnswer: () => unanswered?.cancel(),
    });
    const shownCommand = maskSecrets([prepared.command, ...prepared.args]);
    note(`[corral] starts ${shownCommand.join(' ')}`);
    // What the process says is looked at for the cause of its end, not what we say of it.
    linesOfRun = 0;
    const current = startChild({
      command: prepared.command,
      args: prepared.args,
      env: prepared.env,
      cwd: prepared.cwd,
      clock,
      platform: dependencies.platform,
      onLine(stream, text) {
        append(stream, text);
        if (view.state === 'loading') watch.hear(text);
      },
      onSpawned: dependencies.onSpawned,
      onGone: dependencies.onGone,
    });
    child = current;
    const exit = current.exited.then((record) => {
      ended.abort(new StartAbandoned('the process ended'));
      return record;
    });
    if (current.pid !== undefined) {
      dependencies.onLaunched?.(model.id);
      apply('spawned', {
        pid: current.pid,
        generation: view.generation + 1,
        commandLine: shownCommand,
        warnings: prepared.warnings,
      });
    }
    let passed: StartLimit | undefined;
    const giveUp = (limit: StartLimit) => () => {
      passed = limit;
      ended.abort(new StartAbandoned('the start took too long'));
    };
    const deadline: Timer = clock.setTimer(model.startTimeoutMs, giveUp('startTimeout'));
    if (prepared.healthPath !== undefined && model.answerTimeoutMs !== undefined)
      unanswered = clock.setTimer(model.answerTimeoutMs, giveUp('answerTimeout'));
    try {
      let answer: HealthAnswer | undefined;
      try {
        answer = await watch.ready(current.pid === undefined ? exit : Promise.resolve());
        await restoreKvCache(prepared, { ...dependencies, signal: ended.signal, note });
      } catch (thrown) {
        if (!(thrown instanceof StartAbandoned)) throw thrown;
        const record = await current.stop({
          askedBy: passed ?? 'startTimeout',
          graceMs: Math.min(model.stopGraceMs, LATE_GRACE_MS),
        });
        const error = explainFailedStart(model, record, {
          passed,
          command: prepared.command,
          logTail: readTailOfRun(),
        });
        if (record.spawnErrorCode !== undefined) {
          detachProcess(record);
          throw error;
        }
        return {
          record,
          error,
          isPortTaken: error.details?.['reason'] === 'port-taken' && prepared.listen.kind === 'tcp',
        };
      }
      becomeReady(prepared, current, answer, clock.nowMs() - spawnedAtMs);
      afterExit = exit.then(onExit);
      return undefined;
    } finally {
      deadline.cancel();
      unanswered?.cancel();
    }
  }

  function becomeReady(prepared: Launch, current: Child, answer: HealthAnswer | undefined, tookMs: number): void {
    const endpoint = openEndpoint({
      listen: prepared.listen,
      apiKey: prepared.apiKey,
      advertisedIdleMs: answer?.advertisedIdleMs,
      connectTimeoutMs: dependencies.connectTimeoutMs,
      clock,
    });
    if (view.state === 'stopping') {
      void endpoint.close();
      return;
    }
    if (prepared.healthPath !== undefined) {
      endHealthWatch = watchHealth({
        endpoint,
        path: prepared.healthPath,
        busyPatienceMs: BUSY_PATIENCE_MS[model.kind],
        clock,
        onHung: (silentMs) => endHung(current, silentMs),
      });
    }
    note(`[corral] ready after ${formatDuration(tookMs)} on ${describeListenAddress(prepared.listen)}`);
    apply('became-ready', { endpoint, loadProgress: null, lastLoadMs: Math.round(tookMs), problem: null });
    void readServerProperties(endpoint).then((properties) => {
      if (child !== current || view.endpoint !== endpoint) return;
      update({ slots: properties?.slots ?? UNTOLD_SLOTS[model.kind], contextSize: properties?.contextSize ?? null });
    });
  }

  /** A process that hangs would not hear a polite signal; whoever waits for it is better off with a new one. */
  function endHung(current: Child, silentMs: number): void {
    hungError = explainHung(model, silentMs, readTailOfRun());
    note(`[corral] ${hungError.message}`);
    void current.stop({ askedBy: 'health check', graceMs: HUNG_GRACE_MS });
  }

  /** Lets go of what belonged to a process that has ended and returns what the view says of it from now on. */
  function detachProcess(record: ExitRecord): Partial<ModelProcessView> {
    const { endpoint } = view;
    const listen = launch?.listen;
    child = undefined;
    launch = undefined;
    stopAskedBy = undefined;
    endHealthWatch?.();
    endHealthWatch = undefined;
    cleanup = (async () => {
      await endpoint?.close();
      if (listen?.kind === 'socket') await rm(listen.path, { force: true });
    })();
    note(`[corral] ended (${describeExit(record)})`);
    return {
      ...NO_PROCESS,
      lastExit: { ...record, atWallMs: clock.wallMs() },
    };
  }

  /** After a process that had been ready has ended. */
  function onExit(record: ExitRecord): void {
    const detached = detachProcess(record);
    if (view.state === 'stopping') apply('exited', { ...detached, problem: null });
    else applyCrash(hungError ?? explainCrash(model, record, readTailOfRun()), detached);
    hungError = undefined;
  }

  async function runStart(abort: AbortController): Promise<void> {
    for (let attemptNumber = 1; ; attemptNumber += 1) {
      let failed: FailedAttempt | undefined;
      try {
        failed = await attempt(abort.signal);
      } catch (thrown) {
        // Nothing was spawned: the file, llama-server or the port is missing, or nobody waits any more.
        const error = thrown instanceof StartAbandoned ? null : toAppError(thrown);
        // Told first: whoever waited must be gone before the state invites another start.
        if (error !== null) dependencies.onStartFailed(error);
        apply('start-refused', { detail: null, problem: error });
        return;
      }
      if (failed === undefined) return;
      if (failed.isPortTaken && attemptNumber < MAX_BIND_TRIES && view.state === 'loading') {
        // To whoever waits it is still one load.
        apply('port-lost', detachProcess(failed.record));
        continue;
      }
      const detached = detachProcess(failed.record);
      if (view.state === 'stopping') {
        apply('exited', { ...detached, problem: null });
        return;
      }
      applyCrash(failed.error, detached);
      dependencies.onStartFailed(view.problem ?? failed.error);
      return;
    }
  }

  return {
    view: () => view,

    start(wanted = {}) {
      startOptions = wanted;
      const abort = new AbortController();
      apply('start-requested', { detail: null, loadProgress: null, warnings: NO_WARNINGS });
      const done = runStart(abort).finally(() => {
        // By now the next start may have begun.
        if (starting?.abort === abort) starting = undefined;
      });
      starting = { abort, done };
    },

    abandonStart(askedBy) {
      if (view.state !== 'starting' || starting === undefined) return false;
      starting.abort.abort(new StartAbandoned(askedBy));
      return true;
    },

    drain: () => apply('drain-requested'),
    cancelDrain: () => apply('drain-cancelled'),

    async stop(askedBy, { graceMs = model.stopGraceMs } = {}) {
      if (view.state === 'starting') {
        starting?.abort.abort(new StartAbandoned(askedBy));
        await starting?.done;
      }
      const current = child;
      if (current === undefined) {
        // A process that has ended may have left a stop command or a socket that is about to go.
        await ending;
        await cleanup;
        return undefined;
      }
      const beforeSignal =
        launch &&
        beforeSignalOf(launch, current, {
          ...dependencies,
          endpoint: view.endpoint,
          graceMs,
          onLine: (stream, text) => dependencies.appendLog(stream, text),
          note,
        });
      if (view.state !== 'stopping') {
        apply('stop-requested');
        stopAskedBy = askedBy;
        note(`[corral] stops: ${askedBy}`);
      }
      const stopped = current.stop({
        askedBy: stopAskedBy ?? askedBy,
        graceMs,
        beforeSignal,
      });
      ending = stopped;
      const record = await stopped;
      await starting?.done;
      await afterExit;
      await cleanup;
      return record;
    },

    configure(next) {
      model = next;
    },

    reset() {
      failureTimesMs = [];
      if (view.state === 'failed' || view.state === 'crashed') apply('reset', { problem: null, nextStartAtMs: 0 });
      else update({ problem: null, nextStartAtMs: 0 });
    },
  };
}
