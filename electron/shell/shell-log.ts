const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export type ShellLogLevel = (typeof LEVELS)[number];

/** Splits a line such as `warn The window …` into its level and what it says; without a level it is for information. */
export function splitLevel(line: string): { readonly level: ShellLogLevel; readonly message: string } {
  const level = LEVELS.find((candidate) => line.startsWith(`${candidate} `));
  return level === undefined ? { level: 'info', message: line } : { level, message: line.slice(level.length + 1) };
}
