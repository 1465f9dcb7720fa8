import { styleText } from 'node:util';
import type { Terminal } from './terminal.ts';

export interface ProcessTerminal extends Terminal {
  /** Resolves once what was written is handed to the system, or can no longer be. */
  flush(): Promise<void>;
}

/** The part of `process` that has to do with writing. */
export interface StandardStreams {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** A pipe whose reader does not read may take its last bytes never; the exit does not wait longer than this for it. */
const FLUSH_TIMEOUT_MS = 1000;

/** Some terminals (serial lines, recorders) say that they are 0 columns wide. */
const DEFAULT_COLUMNS = 80;

/**
 * The process's own standard streams. Colours only on a terminal, and not with `NO_COLOR` (https://no-color.org) or
 * `TERM=dumb`. A reader that leaves (`corral logs | head`) is reported to `onOutputLost` and never crashes the process.
 */
export function createProcessTerminal({ env, stdout, stderr }: StandardStreams): ProcessTerminal {
  const hasColour = stdout.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  let onLost: ((problem: Error | undefined) => void) | undefined;
  let loss: { readonly problem: Error | undefined } | undefined;

  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (loss !== undefined) return;
    // EOF is what Windows says for EPIPE.
    loss = { problem: error.code === 'EPIPE' || error.code === 'EOF' ? undefined : error };
    onLost?.(loss.problem);
  });
  stderr.on('error', () => {
    // There is no place left to say it.
  });

  return {
    write(text) {
      if (loss === undefined) stdout.write(text);
    },
    writeError(text) {
      if (stderr.writable) stderr.write(text);
    },
    isOutputTty: stdout.isTTY && env['TERM'] !== 'dumb',
    isErrorTty: stderr.isTTY && env['TERM'] !== 'dumb',
    columns: () => (stderr.isTTY && stderr.columns > 0 ? stderr.columns : DEFAULT_COLUMNS),
    paint: (style, text) => (hasColour ? styleText(style, text) : text),
    onOutputLost(listener) {
      onLost = listener;
      if (loss !== undefined) listener(loss.problem);
    },
    async flush() {
      await Promise.all([stdout, stderr].map((stream) => flushStream(stream)));
    },
  };
}

function flushStream(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (!stream.writable) {
      resolve();
      return;
    }
    const timer = setTimeout(resolve, FLUSH_TIMEOUT_MS);
    stream.write('', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
