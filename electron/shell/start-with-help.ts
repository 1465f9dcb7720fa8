import { toAppError } from '#shared/contract/errors.ts';
import { decideStartProblem, type StartChoice, type StartProblem } from './decide-start-problem.ts';

export interface StartWithHelpOptions<Started> {
  /** `port` is one the user chose for this time. */
  start(port: number | undefined): Promise<Started>;
  findFreePort(): Promise<number>;
  /** Resolves with what the user chose; with `quit` if the signal aborts. */
  ask(problem: StartProblem, signal: AbortSignal): Promise<StartChoice>;
  openFile(filePath: string): Promise<void>;
  log(line: string): void;
  readonly signal: AbortSignal;
}

/** Starts, and asks the user about what is in the way until it works; undefined if they would rather quit. */
export async function startWithHelp<Started>(options: StartWithHelpOptions<Started>): Promise<Started | undefined> {
  const { signal } = options;
  let port: number | undefined;
  while (!signal.aborted) {
    let choice: StartChoice;
    try {
      return await options.start(port);
    } catch (thrown) {
      choice = await askAbout(thrown, options);
    }
    if (choice.kind === 'quit') return undefined;
    if (choice.kind === 'use-port') port = choice.port;
  }
  return undefined;
}

async function askAbout(
  thrown: unknown,
  { findFreePort, ask, openFile, log, signal }: StartWithHelpOptions<unknown>,
): Promise<StartChoice> {
  const error = toAppError(thrown);
  log(`error Corral cannot start: ${error.message}`);
  const freePort = error.code === 'port-taken' ? await findFreePort().catch(() => undefined) : undefined;
  const problem = decideStartProblem(error, freePort);
  for (;;) {
    const choice = await ask(problem, signal);
    if (choice.kind !== 'open-file') return choice;
    // The question stays until the file has been edited and there is something to try.
    await openFile(choice.filePath);
  }
}
