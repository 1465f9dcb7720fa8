import { inspect } from 'node:util';
import { toAppError } from '#shared/contract/errors.ts';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import type { ServeOptions } from '../../headless.ts';
import { interruptedExitCode, onEndSignals, type EndSignal, type ProcessEvents } from '../process-events.ts';
import { reportError } from '../report-error.ts';
import type { Terminal } from '../terminal.ts';

/** The part of the engine that a composition root needs once it runs. */
export interface RunningEngine {
  snapshot(): Snapshot;
  stop(options?: { isHurried?: boolean }): Promise<void>;
}

export interface ServeSurroundings {
  readonly terminal: Terminal;
  readonly processEvents: ProcessEvents;
  start(options: ServeOptions): Promise<RunningEngine>;
}

/** Below this nobody wonders why Corral has not ended yet. */
const UNNOTICED_STOP_MS = 1000;

/** After a defect nothing is certain to end; this is well above what an orderly stop takes. */
const STOP_AFTER_DEFECT_MS = 60_000;

/**
 * `corral serve`: runs until a signal asks it to end; a second one cuts short what the first waits for. Returns the exit
 * code, once the engine has stopped: 0, or 1 if it could not start or ended because of a defect. The caller exits at once.
 */
export async function serve(
  options: Pick<ServeOptions, 'configFile' | 'format' | 'host' | 'port' | 'nativePort' | 'dataDir' | 'version'>,
  { terminal, processEvents, start }: ServeSurroundings,
): Promise<number> {
  let exitWith: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    exitWith = resolve;
  });
  let engine: RunningEngine | undefined;
  let hasBeenAsked = false;
  let exitCode = 0;
  let notice: NodeJS.Timeout | undefined;
  let deadline: NodeJS.Timeout | undefined;

  const fail = (thrown: unknown): void => {
    reportError(terminal, toAppError(thrown), false);
    exitWith(1);
  };

  function stopInOrder(running: RunningEngine): void {
    const { activeRequests } = countOf(running.snapshot());
    const say = (what: string): void =>
      terminal.write(`Stopping: waits for ${what} (press Ctrl-C again to stop now)\n`);
    if (activeRequests > 0) say(plural(activeRequests, 'running request'));
    else {
      notice = setTimeout(
        () => say(`${plural(countOf(running.snapshot()).loaded, 'model')} to end`),
        UNNOTICED_STOP_MS,
      );
    }
    running.stop().then(() => exitWith(exitCode), fail);
  }

  function onSignal(signal: EndSignal): void {
    terminal.writeError(`info ${signal}: stops${hasBeenAsked ? ' now' : ''}\n`);
    requestStop(signal);
  }

  function requestStop(signal: EndSignal): void {
    if (!hasBeenAsked) {
      hasBeenAsked = true;
      if (engine !== undefined) stopInOrder(engine);
    } else if (engine === undefined) {
      exitWith(interruptedExitCode(signal)); // It does not listen yet; nothing is lost.
    } else {
      engine.stop({ isHurried: true }).catch(() => undefined); // The first call says what went wrong.
    }
  }

  function onDefect(thrown: unknown): void {
    terminal.writeError(`error Corral has a defect and stops: ${inspect(thrown)}\n`);
    exitCode = 1;
    deadline ??= setTimeout(() => exitWith(1), STOP_AFTER_DEFECT_MS);
    if (engine === undefined) exitWith(1);
    else if (!hasBeenAsked) requestStop('SIGTERM');
  }

  const unlistenSignals = onEndSignals(processEvents, onSignal);
  processEvents.on('uncaughtException', onDefect);
  processEvents.on('unhandledRejection', onDefect);
  try {
    start({
      ...options,
      print: (line) => terminal.write(`${line}\n`),
      printLog: (line) => terminal.writeError(`${line}\n`),
    }).then((running) => {
      engine = running;
      if (hasBeenAsked) stopInOrder(running);
    }, fail);
    return await ended;
  } finally {
    unlistenSignals();
    processEvents.off('uncaughtException', onDefect);
    processEvents.off('unhandledRejection', onDefect);
    clearTimeout(notice);
    clearTimeout(deadline);
  }
}

function countOf({ models }: Snapshot): { activeRequests: number; loaded: number } {
  return {
    activeRequests: models.reduce((sum, model) => sum + model.activeRequests, 0),
    loaded: models.filter((model) => isResident(model.state)).length,
  };
}

function plural(count: number, word: string): string {
  return count === 1 ? `1 ${word}` : `${count} ${word}s`;
}
