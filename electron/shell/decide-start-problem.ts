import { z } from 'zod';
import type { AppError } from '#shared/contract/errors.ts';

/** What the user is asked when Corral cannot start. */
export interface StartProblem {
  readonly message: string;
  readonly detail: string;
  /** In the order of importance; the last one is chosen by closing the box. */
  readonly choices: readonly StartChoice[];
}

export type StartChoice =
  | { readonly kind: 'use-port'; readonly port: number; readonly label: string }
  | { readonly kind: 'open-file'; readonly filePath: string; readonly label: string }
  | { readonly kind: 'try-again'; readonly label: string }
  | { readonly kind: 'quit'; readonly label: string };

const tryAgain: StartChoice = { kind: 'try-again', label: 'Try again' };
const quit: StartChoice = { kind: 'quit', label: 'Quit' };

const invalidDetailsSchema = z.object({
  filePath: z.string(),
  issues: z.array(z.object({ path: z.string(), message: z.string(), line: z.number().optional() })),
});
const runningDetailsSchema = z.object({ dataFolder: z.string(), pid: z.number().optional() });

/** A message box is no place for more; the file has them all. */
const MAX_SHOWN_ISSUES = 5;

/** What to say and offer; `freePort` is one that could be used instead, undefined if there is none to offer. */
export function decideStartProblem(error: AppError, freePort: number | undefined): StartProblem {
  switch (error.code) {
    case 'port-taken': {
      const other: StartChoice[] =
        freePort === undefined ? [] : [{ kind: 'use-port', port: freePort, label: `Use port ${freePort} this time` }];
      return {
        message: 'Corral’s address is taken',
        detail:
          `${error.message}\n\nOn another port, programs that are set up for the usual address will not find Corral ` +
          'until they are told the other one.',
        choices: [tryAgain, ...other, quit],
      };
    }
    case 'config-invalid': {
      const { data } = invalidDetailsSchema.safeParse(error.details);
      if (data === undefined || data.issues.length === 0) break;
      const shown = data.issues.slice(0, MAX_SHOWN_ISSUES).map(({ path, message, line }) => {
        const place = [path, ...(line === undefined ? [] : [`line ${line}`])].filter((part) => part !== '').join(', ');
        return place === '' ? `• ${message}` : `• ${place}: ${message}`;
      });
      const left = data.issues.length - shown.length;
      const more = left === 0 ? [] : [`… and ${left} more.`];
      return {
        message: 'The configuration cannot be used',
        detail: [data.filePath, '', ...shown, ...more].join('\n'),
        choices: [{ kind: 'open-file', filePath: data.filePath, label: 'Open the file' }, tryAgain, quit],
      };
    }
    case 'already-running': {
      const { data } = runningDetailsSchema.safeParse(error.details);
      const who = data?.pid === undefined ? 'Another process' : `Process ${data.pid}`;
      return {
        message: 'Corral is already running without a window',
        detail:
          data === undefined
            ? error.message
            : `${who} holds ${data.dataFolder}, where Corral keeps its data. Stop it first, or use it as it is: ` +
              '“corral status” in a terminal tells its address.',
        choices: [tryAgain, quit],
      };
    }
    default:
      break;
  }
  return { message: 'Corral cannot start', detail: error.message, choices: [tryAgain, quit] };
}
