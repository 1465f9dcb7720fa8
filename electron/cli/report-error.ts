import { serialiseError, type AppError } from '#shared/contract/errors.ts';
import { printableLines, printableLogLine } from './printable.ts';
import type { Terminal } from './terminal.ts';

/**
 * Says on standard error why a verb failed: `corral: <message>`, and below it, indented, the end of the log of a model
 * that could not be started. For programs one line of JSON instead, `{"error":{"code","message","details"}}`, as the
 * control API answers it. Errors of usage never come here; they are always text.
 */
export function reportError(terminal: Terminal, error: AppError, isJson: boolean): void {
  if (isJson) {
    terminal.writeError(`${JSON.stringify({ error: serialiseError(error) })}\n`);
    return;
  }
  // Words of a program that Corral stands in for, which its users know.
  if (typeof error.details?.['say'] === 'string') {
    terminal.writeError(`${printableLines(error.details['say'])}\n`);
    return;
  }
  const logTail = logTailOf(error).map((line) => `    ${printableLogLine(line)}\n`);
  terminal.writeError(`corral: ${printableLines(error.message)}\n${logTail.join('')}`);
}

function logTailOf(error: AppError): string[] {
  const log = error.details?.['log'];
  if (typeof log === 'string') return log.trimEnd() === '' ? [] : log.trimEnd().split('\n');
  return Array.isArray(log) ? log.filter((line) => typeof line === 'string') : [];
}
