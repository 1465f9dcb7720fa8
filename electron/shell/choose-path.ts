import { dialog, type BrowserWindow, type OpenDialogOptions } from 'electron';
import type { DesktopRequest } from '#shared/contract/desktop-commands.ts';

const dialogs: Readonly<Record<DesktopRequest<'choose-path'>['kind'], OpenDialogOptions>> = {
  'model-file': {
    title: 'Choose a model file',
    properties: ['openFile'],
    filters: [
      { name: 'GGUF models', extensions: ['gguf'] },
      { name: 'All files', extensions: ['*'] },
    ],
  },
  folder: { title: 'Choose a folder', properties: ['openDirectory', 'createDirectory'] },
};

/** Asks the user, in a dialog over the window if there is one; null if nothing was chosen. */
export async function choosePath(
  kind: DesktopRequest<'choose-path'>['kind'],
  parent: BrowserWindow | undefined,
): Promise<string | null> {
  const options = dialogs[kind];
  const { canceled, filePaths } =
    parent === undefined ? await dialog.showOpenDialog(options) : await dialog.showOpenDialog(parent, options);
  return canceled ? null : (filePaths[0] ?? null);
}
