import { notify } from './notices.ts';

/** Puts a text on the clipboard and says so, or why it could not. */
export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    notify('done', `Copied ${what}.`);
  } catch {
    notify('trouble', `The clipboard cannot be used here, so ${what} could not be copied.`);
  }
}
