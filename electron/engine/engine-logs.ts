import { AppError } from '#shared/contract/errors.ts';
import type { Engine } from './engine-contract.ts';
import type { EventFeed } from './event-feed.ts';
import type { Clock } from './ports/clock.ts';
import type { Logger, LogLevel } from './ports/logger.ts';
import { createLogStore, type LogStore } from './process/log-store.ts';
import { createAppLogger } from './telemetry/app-logger.ts';

/** The log source of Corral itself. */
const APP_LOG = 'corral';

/** The logs of all models and Corral's own, and whoever reads or hears of them. */
export function openEngineLogs(options: {
  readonly folder: string;
  readonly clock: Clock;
  readonly feed: EventFeed;
  level(): LogLevel;
  onLogLine(level: LogLevel, line: string): void;
}): {
  readonly store: LogStore;
  readonly logger: Logger;
  /** `modelIdOf` knows the id behind a name, if there is one. */
  createReader(modelIdOf: (name: string) => string | undefined): Engine['readLogs'];
} {
  const { folder, clock, feed } = options;
  const store = createLogStore({
    folder,
    clock,
    onAppended: (source, lastLine) => {
      feed.mark(`log:${source}`, () => ({ type: 'log-appended', source, lastLine }));
    },
  });
  const logger = createAppLogger({
    level: options.level,
    write(level, line) {
      store.append(APP_LOG, 'corral', line);
      options.onLogLine(level, line);
    },
  });
  return {
    store,
    logger,
    createReader: (modelIdOf) => (source, range) => {
      const id = source === APP_LOG ? APP_LOG : modelIdOf(source);
      if (id === undefined)
        throw new AppError('not-found', `There is no log "${source}": name a model, or \`corral\`.`);
      return store.read(id, range) ?? { lines: [], hasEarlier: false };
    },
  };
}
