import { logLevels, type LogFields, type Logger, type LogLevel } from '../ports/logger.ts';

/** Corral's own log: one line an entry, fields as `key=value` behind the message. The level may change meanwhile. */
export function createAppLogger(options: { level(): LogLevel; write(level: LogLevel, line: string): void }): Logger {
  return {
    log(level, message, fields = {}) {
      if (logLevels.indexOf(level) < logLevels.indexOf(options.level())) return;
      options.write(level, `${level} ${message}${formatFields(fields)}`);
    },
  };
}

function formatFields(fields: LogFields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const text = String(value);
      return ` ${name}=${/^[^\s"=]+$/.test(text) ? text : JSON.stringify(text)}`;
    })
    .join('');
}
