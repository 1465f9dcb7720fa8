import { AppError } from '#shared/contract/errors.ts';

const EXCERPT_CHARS = 160;

/** A tool that failed: what it did, and what it said where that helps. `advice` is a sentence for the user. */
export function probeFailure(
  what: string,
  options: { readonly said?: string; readonly advice?: string; readonly cause?: unknown } = {},
): AppError {
  const said = options.said === undefined ? '' : excerptOf(options.said);
  const message = [`${what}${said === '' ? '.' : `: ${said}`}`, options.advice].filter((part) => part !== undefined);
  return new AppError('probe-failed', message.join(' '), options.cause === undefined ? {} : { cause: options.cause });
}

/** One printable line. What a tool prints goes to people's screens and may be anything. */
function excerptOf(text: string): string {
  const line = text
    .slice(0, 4 * EXCERPT_CHARS)
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
  return line.length > EXCERPT_CHARS ? `${line.slice(0, EXCERPT_CHARS)}…` : line;
}
