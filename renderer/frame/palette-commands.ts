import type { ModelView, Snapshot } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import type { ModelActions } from '../store/model-actions.ts';
import { navigate } from '../store/navigate.ts';
import { pages } from '../store/pages.ts';
import { saveThemeChoice, themeChoices } from '../store/theme.ts';

export interface PaletteCommand {
  readonly id: string;
  readonly label: string;
  run(): void;
}

/** Every command that makes sense now, models first: what is typed is looked for in the labels. */
export function listPaletteCommands(snapshot: Snapshot | undefined, actions: ModelActions): PaletteCommand[] {
  return [
    ...(snapshot?.models ?? []).flatMap((model) => modelCommands(model, actions)),
    { id: 'eject-all', label: 'Eject all', run: () => void actions.ejectAll() },
    {
      id: 'game-mode',
      label: snapshot?.memory.isGameMode === true ? 'Switch game mode off' : 'Switch game mode on',
      run: () => void actions.setGameMode(snapshot?.memory.isGameMode !== true),
    },
    ...pages.map(({ name, title }) => ({ id: `go-${name}`, label: `Go to ${title}`, run: () => navigate(name) })),
    ...themeChoices.map((choice) => ({
      id: `theme-${choice}`,
      label: `Theme: ${choice}`,
      run: () => saveThemeChoice(choice),
    })),
  ];
}

function modelCommands(model: ModelView, actions: ModelActions): PaletteCommand[] {
  const { id, state, isPinned } = model;
  const found: PaletteCommand[] = [];
  const add = (verb: string, run: () => void): void =>
    void found.push({ id: `${verb}-${id}`, label: `${verb} ${id}`, run });
  if (state === 'failed' || state === 'crashed') add('Reset', () => void actions.reset(id));
  if (isResident(state)) add('Eject', () => void actions.eject(id, 'when-idle'));
  else if (state !== 'failed') add('Load', () => void actions.load(id));
  if (isPinned) add('Unpin', () => void actions.setPinned(id, false));
  else add('Pin', () => void actions.setPinned(id, true));
  add('Logs of', () => navigate('logs', id));
  add('Chat with', () => navigate('playground', id));
  return found;
}
