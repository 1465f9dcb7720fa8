import { describe, expect, it } from 'vitest';
import { AppError } from '#shared/contract/errors.ts';
import { reportError } from '../../../electron/cli/report-error.ts';
import { createRecordingTerminal } from './support/recording-terminal.ts';

describe('reportError', () => {
  it('says one line on standard error', () => {
    const terminal = createRecordingTerminal();
    reportError(terminal, new AppError('not-found', 'There is no model "\u001b[2J".'), false);
    expect(terminal.errors).toBe('corral: There is no model "\\x1b[2J".\n');
    expect(terminal.output).toBe('');
  });

  it.each([
    ['a list of lines', ['one', '\u001b[31mtwo\u001b[0m']],
    ['one text', 'one\ntwo\n'],
  ])('adds the tail of the log, indented, from %s', (_what, log) => {
    const terminal = createRecordingTerminal();
    reportError(terminal, new AppError('start-failed', 'It failed.', { details: { log } }), false);
    expect(terminal.errors).toBe('corral: It failed.\n    one\n    two\n');
  });

  it('is the error of the control API in one line for programs', () => {
    const terminal = createRecordingTerminal();
    reportError(terminal, new AppError('start-failed', 'It failed.', { details: { log: ['one'] } }), true);
    expect(terminal.errors.endsWith('\n')).toBe(true);
    expect(terminal.errors.trimEnd()).not.toContain('\n');
    expect(JSON.parse(terminal.errors)).toEqual({
      error: { code: 'start-failed', message: 'It failed.', details: { log: ['one'] } },
    });
  });
});
