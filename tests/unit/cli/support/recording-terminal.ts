import { NOW_MS } from '../../../fakes/views.ts';
import type { Terminal, VerbContext } from '../../../../electron/cli/terminal.ts';

export interface RecordingTerminal extends Terminal {
  readonly output: string;
  readonly errors: string;
  loseOutput(problem?: Error): void;
}

/** A terminal without colours that keeps what was written. */
export function createRecordingTerminal({
  isOutputTty = false,
  isErrorTty = false,
  columns = 80,
} = {}): RecordingTerminal {
  let output = '';
  let errors = '';
  let onLost: ((problem: Error | undefined) => void) | undefined;
  return {
    write: (text) => void (output += text),
    writeError: (text) => void (errors += text),
    isOutputTty,
    isErrorTty,
    columns: () => columns,
    paint: (_style, text) => text,
    onOutputLost: (listener) => void (onLost = listener),
    loseOutput: (problem) => onLost?.(problem),
    get output() {
      return output;
    },
    get errors() {
      return errors;
    },
  };
}

export function createContext(
  changes: Partial<Omit<VerbContext, 'terminal'>> & { terminal?: RecordingTerminal } = {},
): VerbContext & { terminal: RecordingTerminal } {
  return {
    terminal: createRecordingTerminal(),
    isJson: false,
    signal: new AbortController().signal,
    wallMs: () => NOW_MS,
    ...changes,
  };
}
