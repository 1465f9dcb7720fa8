export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red';

/** Where a verb writes: data to standard output, everything else to standard error. Callers end lines themselves. */
export interface Terminal {
  write(text: string): void;
  writeError(text: string): void;
  /** True if a person watches standard output, so that what is there may be drawn anew. */
  readonly isOutputTty: boolean;
  /** True if a person watches standard error, so that a line there may be rewritten. */
  readonly isErrorTty: boolean;
  /** Width of the window in characters; asked anew each time, since it changes. */
  columns(): number;
  /** The text in a style, or as it is where standard output shows no colours. */
  paint(style: Style, text: string): string;
  /** Calls back once if standard output cannot be written any more; undefined means its reader has simply left. */
  onOutputLost(listener: (problem: Error | undefined) => void): void;
}

/** What every verb that talks to a running Corral is given. */
export interface VerbContext {
  readonly terminal: Terminal;
  /** Print for programs: the contract's own views, as JSON. */
  readonly isJson: boolean;
  /** Aborts when the user interrupts; every wait ends with its reason. */
  readonly signal: AbortSignal;
  /** The time of day in milliseconds since 1970. */
  wallMs(): number;
}

/** One JSON document, indented so that people can read it too. */
export function writeJson(terminal: Terminal, value: unknown): void {
  terminal.write(`${JSON.stringify(value, undefined, 2)}\n`);
}
