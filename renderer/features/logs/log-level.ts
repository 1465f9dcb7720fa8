import type { LogLine } from '#shared/contract/commands.ts';

/** How much a line matters. Pure. */
export type LogLevel = 'normal' | 'warning' | 'error';

/** llama.cpp's own prefix: time stamp and one letter for the level. */
const LLAMA_PREFIX = /^\d+\.\d{2}\.\d{3}\.\d{3} ([A-Z]) /;
const ERROR_WORDS =
  /\b(?:error|fatal|panic|exception|traceback|critical|segmentation fault|out of memory|aborted|core dumped)\b|GGML_ASSERT|terminate called/i;
const WARNING_WORDS = /\b(?:warn|warning|deprecated|failed|failure|cannot|could not|couldn['’]t|unable to)\b/i;
/** Where such words mean nothing: counts of none, and command-line flags. */
const HARMLESS = /\b(?:no|0|without) (?:errors?|warnings?|failures?)\b|--?[\w-]+/gi;

/**
 * Told from the words of the line, and from the level where the program says one: that a line came on stderr means nothing by
 * itself, for llama-server writes its whole log there. What stdout says of errors is part of an answer more often than not,
 * so only words at its beginning count.
 */
export function judgeLevel({ stream, text }: Pick<LogLine, 'stream' | 'text'>): LogLevel {
  if (stream === 'corral') return /^error\b/.test(text) ? 'error' : /^warn\b/.test(text) ? 'warning' : judgeWords(text);
  const letter = LLAMA_PREFIX.exec(text)?.[1];
  if (letter !== undefined) return letter === 'E' || letter === 'F' ? 'error' : letter === 'W' ? 'warning' : 'normal';
  return judgeWords(stream === 'stdout' ? text.slice(0, STDOUT_JUDGED) : text);
}

const STDOUT_JUDGED = 40;

function judgeWords(text: string): LogLevel {
  // Most lines hold none of the words, and are not looked at twice.
  if (!ERROR_WORDS.test(text) && !WARNING_WORDS.test(text)) return 'normal';
  const telling = text.replace(HARMLESS, '');
  if (ERROR_WORDS.test(telling)) return 'error';
  return WARNING_WORDS.test(telling) ? 'warning' : 'normal';
}
