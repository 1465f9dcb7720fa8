import { app, dialog } from 'electron';
import type { AppError } from '#shared/contract/errors.ts';
import type { StartChoice, StartProblem } from './decide-start-problem.ts';

/** Asks about a start that failed; the last choice if the box is closed or the signal aborts. */
export async function askAboutStart(
  { message, detail, choices }: StartProblem,
  signal: AbortSignal,
): Promise<StartChoice> {
  const last = choices.length - 1;
  const { response } = await dialog.showMessageBox({
    type: 'error',
    title: app.getName(),
    message,
    detail,
    buttons: choices.map(({ label }) => label),
    defaultId: 0,
    cancelId: last,
    noLink: true,
    signal,
  });
  return choices[response] ?? choices[last] ?? { kind: 'quit', label: 'Quit' };
}

/** Says that Corral is still stopping, until the signal aborts; true if the user wants it to do so at once. */
export async function askToHurry(waitsFor: string, signal: AbortSignal): Promise<boolean> {
  const { response } = await dialog.showMessageBox({
    type: 'info',
    title: app.getName(),
    message: 'Corral is stopping',
    detail: `It waits for ${waitsFor} first. Quitting now cuts that short.`,
    buttons: ['Wait', 'Quit now'],
    defaultId: 0,
    cancelId: 0,
    noLink: true,
    signal,
  });
  return response === 1 && !signal.aborted;
}

/** Says what became of something the user asked for outside the window. */
export function showError(error: AppError): void {
  void dialog.showMessageBox({
    type: 'error',
    title: app.getName(),
    message: 'That did not work',
    detail: error.message,
    buttons: ['OK'],
    noLink: true,
  });
}
