import { AppError } from '#shared/contract/errors.ts';
import { formatDuration } from '#shared/model/units.ts';
import type { ModelConfig } from '../config/resolved-config.ts';
import { diagnoseExit } from '../llama/diagnose-exit.ts';
import type { ExitRecord } from '../process/child-process.ts';

/** Why a model's process went away, as errors whose message says what to do. Pure. */

/** Lines of the log that go with an error; the rest is in `corral logs`. */
const DETAIL_LINES = 20;

/** What a start may take; named as in the configuration. */
export type StartLimit = 'startTimeout' | 'answerTimeout';

const missed: Readonly<Record<StartLimit, string>> = {
  startTimeout: 'was not ready',
  answerTimeout: 'had not answered its health check',
};

function limitOf(model: ModelConfig, passed: StartLimit | undefined): number | undefined {
  if (passed === undefined) return undefined;
  return passed === 'startTimeout' ? model.startTimeoutMs : model.answerTimeoutMs;
}

/** For a start that came to nothing. */
export function explainFailedStart(
  model: ModelConfig,
  exit: ExitRecord,
  facts: {
    /** The limit it passed, if that is why it was ended. */
    readonly passed: StartLimit | undefined;
    readonly command: string;
    readonly logTail: readonly string[];
  },
): AppError {
  const diagnosis = diagnose(model, exit, facts.logTail, facts.passed);
  const limitMs = limitOf(model, facts.passed);
  const what =
    facts.passed === undefined || limitMs === undefined
      ? `Model "${model.id}" could not be started`
      : `Model "${model.id}" ${missed[facts.passed]} after ${formatDuration(limitMs)} (${facts.passed})`;
  return new AppError('start-failed', `${what}: ${diagnosis.summary} ${diagnosis.advice}`, {
    details: {
      ...exitDetails(model, exit, facts.logTail),
      reason: diagnosis.kind,
      command: facts.command,
      ...(limitMs === undefined ? {} : { limitMs }),
    },
  });
}

/** For a process that had been ready. */
export function explainCrash(model: ModelConfig, exit: ExitRecord, logTail: readonly string[]): AppError {
  const diagnosis = diagnose(model, exit, logTail);
  return new AppError(
    'upstream-unavailable',
    `Model "${model.id}" ended while it was ready: ${diagnosis.summary} ${diagnosis.advice}`,
    { details: { ...exitDetails(model, exit, logTail), reason: diagnosis.kind } },
  );
}

/** For a process that was ended because it did not answer any more. */
export function explainHung(model: ModelConfig, silentMs: number, logTail: readonly string[]): AppError {
  return new AppError(
    'upstream-unavailable',
    `Model "${model.id}" did not answer its health check for ${formatDuration(silentMs)} and was ended.`,
    { details: { model: model.id, reason: 'hung', log: logTail.slice(-DETAIL_LINES) } },
  );
}

/** For a process that failed one time too many, `last` being the last time. */
export function explainGivenUp(model: ModelConfig, failures: number, last: AppError): AppError {
  return new AppError(
    'model-failed',
    `Model "${model.id}" failed ${failures} times in a short while and was given up. Last reason: ${last.message} ` +
      `Mend the cause, then run \`corral reset ${model.id}\`.`,
    { details: last.details ?? {} },
  );
}

function diagnose(
  model: ModelConfig,
  exit: ExitRecord,
  logTail: readonly string[],
  passed?: StartLimit,
): ReturnType<typeof diagnoseExit> {
  return diagnoseExit({
    exitCode: exit.exitCode,
    signal: exit.signal,
    logTail,
    timedOut: passed !== undefined,
    isUnanswered: passed === 'answerTimeout',
    ...(exit.spawnErrorCode === undefined ? {} : { spawnErrorCode: exit.spawnErrorCode }),
    ...(model.kind === 'file' ? { modelFile: model.file } : {}),
  });
}

function exitDetails(model: ModelConfig, exit: ExitRecord, logTail: readonly string[]): Record<string, unknown> {
  return {
    model: model.id,
    exitCode: exit.exitCode,
    signal: exit.signal,
    log: logTail.slice(-DETAIL_LINES),
  };
}

/** `exit code 1`, `signal SIGKILL`, `could not be run: ENOENT`. */
export function describeExit(record: ExitRecord): string {
  if (record.spawnErrorCode !== undefined) return `could not be run: ${record.spawnErrorCode}`;
  if (record.signal !== null) return `signal ${record.signal}`;
  return `exit code ${record.exitCode ?? 'unknown'}`;
}

/** The same error, with the time after which a try makes sense. */
export function withRetryAfter(error: AppError, retryAfterSeconds: number): AppError {
  return new AppError(error.code, error.message, {
    retryAfterSeconds,
    ...(error.details === undefined ? {} : { details: error.details }),
    cause: error,
  });
}
