export interface QuitSequenceOptions {
  closeWindow(): void;
  /** Called again, hurried, when the user does not want to wait. */
  stopEngine(isHurried: boolean): Promise<void>;
  /** What is still being waited for, such as `2 running requests`. */
  waitsFor(): string;
  /** Says that Corral is still stopping; resolves with true if it shall do so at once. The signal takes the message away. */
  askToHurry(waitsFor: string, signal: AbortSignal): Promise<boolean>;
  /** Tray and the like; after the engine, so that they show it stopping. */
  closeShell(): Promise<void>;
  exit(code: number): void;
  log(line: string): void;
}

export interface QuitSequence {
  /** Begins it; asked again while it runs, it hurries. */
  begin(exitCode?: number): void;
  /** Stops everything in order, and leaves the exit to somebody else. */
  stopAll(): Promise<void>;
  hasBegun(): boolean;
  hasEnded(): boolean;
}

/** Below this nobody wonders why Corral has not ended yet. */
const UNNOTICED_MS = 2000;
/** Nothing the engine does once it is hurried takes this long; a defect must not keep Corral from ending. */
const HURRIED_LIMIT_MS = 30_000;

/** From "Quit" to the end of the process: window, engine with every child, shell, exit. */
export function createQuitSequence(options: QuitSequenceOptions): QuitSequence {
  let stopping: Promise<void> | undefined;
  let hasEnded = false;
  let exitCode = 0;
  const ended = new AbortController();
  let limit: NodeJS.Timeout | undefined;

  function hurry(): void {
    if (limit !== undefined) return;
    options.log('info Stops now');
    limit = setTimeout(() => {
      options.log('error Corral did not come to an end and is ended');
      options.exit(1);
    }, HURRIED_LIMIT_MS);
    options.stopEngine(true).catch(() => undefined); // The first call says what went wrong.
  }

  async function offerToHurry(): Promise<void> {
    try {
      if (await options.askToHurry(options.waitsFor(), ended.signal)) hurry();
    } catch (thrown) {
      options.log(`warn It could not be said that Corral is still stopping: ${(thrown as Error).message}`);
    }
  }

  async function stopInOrder(): Promise<void> {
    const notice = setTimeout(() => void offerToHurry(), UNNOTICED_MS);
    try {
      options.closeWindow();
      await options.stopEngine(false);
    } catch (thrown) {
      exitCode = 1;
      options.log(`error Corral did not stop in order: ${(thrown as Error).message}`);
    } finally {
      clearTimeout(notice);
      ended.abort();
    }
    await options.closeShell().catch((thrown: unknown) => {
      options.log(`error ${(thrown as Error).message}`);
    });
    clearTimeout(limit);
    hasEnded = true;
  }

  const stopAll = (): Promise<void> => (stopping ??= stopInOrder());

  return {
    begin(code = 0) {
      exitCode = Math.max(exitCode, code);
      if (stopping !== undefined) hurry();
      else void stopAll().then(() => options.exit(exitCode));
    },
    stopAll,
    hasBegun: () => stopping !== undefined,
    hasEnded: () => hasEnded,
  };
}
