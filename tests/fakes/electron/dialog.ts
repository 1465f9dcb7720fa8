import type {
  Dialog,
  MessageBoxOptions,
  MessageBoxReturnValue,
  OpenDialogOptions,
  OpenDialogReturnValue,
} from 'electron';
import type { SaveDialogOptions, SaveDialogReturnValue } from 'electron';
import { BrowserWindowStandIn } from './browser-window.ts';

/** A dialog that waits for its answer, or that needed none. */
export interface ShownDialog {
  readonly id: number;
  readonly kind: 'message' | 'error' | 'open' | 'save';
  readonly message: string;
  readonly detail: string;
  readonly buttons: readonly string[];
  isOpen: boolean;
}

/** A button's number for a message, paths for the others; null if it was closed. */
export type DialogAnswer = number | readonly string[] | null;

const dialogs: ShownDialog[] = [];
const waiting = new Map<number, (answer: DialogAnswer) => void>();

export function shownDialogs(): readonly ShownDialog[] {
  return dialogs;
}

export function answerDialog(id: number, answer: DialogAnswer): void {
  const settle = waiting.get(id);
  if (settle === undefined) throw new Error(`There is no open dialog ${id}.`);
  settle(answer);
}

function ask(
  kind: ShownDialog['kind'],
  text: { message: string; detail?: string; buttons?: string[] },
  signal?: AbortSignal,
): Promise<DialogAnswer> {
  const { message, detail = '', buttons = [] } = text;
  const shown: ShownDialog = { id: dialogs.length + 1, kind, message, detail, buttons, isOpen: true };
  dialogs.push(shown);
  return new Promise((resolve) => {
    const settle = (answer: DialogAnswer): void => {
      shown.isOpen = false;
      waiting.delete(shown.id);
      resolve(answer);
    };
    waiting.set(shown.id, settle);
    if (signal?.aborted === true) settle(null);
    signal?.addEventListener('abort', () => settle(null), { once: true });
  });
}

/** The window comes first, if there is one. */
function optionsOf(args: readonly unknown[]): unknown {
  return args[0] instanceof BrowserWindowStandIn ? args[1] : args[0];
}

async function showMessageBox(...args: unknown[]): Promise<MessageBoxReturnValue> {
  const { signal, cancelId = 0, checkboxChecked = false, ...options } = optionsOf(args) as MessageBoxOptions;
  const answer = await ask('message', options, signal);
  return { response: typeof answer === 'number' ? answer : cancelId, checkboxChecked };
}

async function showOpenDialog(...args: unknown[]): Promise<OpenDialogReturnValue> {
  const { title = '', message = title } = optionsOf(args) as OpenDialogOptions;
  const answer = await ask('open', { message });
  return typeof answer === 'object' && answer !== null
    ? { canceled: false, filePaths: [...answer] }
    : { canceled: true, filePaths: [] };
}

async function showSaveDialog(...args: unknown[]): Promise<SaveDialogReturnValue> {
  const { title = '', message = title } = optionsOf(args) as SaveDialogOptions;
  const answer = await ask('save', { message });
  return typeof answer === 'object' && answer !== null
    ? { canceled: false, filePath: String(answer[0]) }
    : { canceled: true, filePath: '' };
}

/** The dialogs that hold everything up are not here: nobody could answer them. `showErrorBox` needs no answer. */
export const dialog = {
  showMessageBox,
  showOpenDialog,
  showSaveDialog,
  showErrorBox(title: string, content: string): void {
    dialogs.push({
      id: dialogs.length + 1,
      kind: 'error',
      message: title,
      detail: content,
      buttons: [],
      isOpen: false,
    });
    // Electron writes it to standard error, too, where there is no desktop.
    process.stderr.write(`${title}: ${content}\n`);
  },
} satisfies Pick<Dialog, 'showMessageBox' | 'showOpenDialog' | 'showSaveDialog' | 'showErrorBox'>;
