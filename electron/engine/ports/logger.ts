export const logLevels = ['debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof logLevels)[number];

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Corral's own log. Fields are for programs, the message for people; neither ever holds a key, prompt or answer. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void;
}
