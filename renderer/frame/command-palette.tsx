import { Autocomplete } from '@base-ui/react/autocomplete';
import { Dialog } from '@base-ui/react/dialog';
import { useEffect, useMemo, useState } from 'react';
import { useAppStore } from '../store/app-store.ts';
import { useEngine } from '../store/engine-context.ts';
import { openPalette, setPaletteOpen, usePaletteStore } from '../store/palette.ts';
import { listPaletteCommands, type PaletteCommand } from './palette-commands.ts';
import styles from './command-palette.module.css';

/** Every command and every model by keyboard: Ctrl-K or ⌘K opens it. */
export function CommandPalette() {
  const isOpen = usePaletteStore((state) => state.isOpen);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey)
        return;
      event.preventDefault();
      openPalette();
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, []);
  return (
    <Dialog.Root open={isOpen} onOpenChange={setPaletteOpen}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles['backdrop']} />
        <Dialog.Popup className={styles['popup']} aria-label="Commands">
          <PaletteList />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function PaletteList() {
  const { actions } = useEngine();
  const [typed, setTyped] = useState('');
  // The list as it was when the palette opened: nothing moves while one chooses.
  const commands = useMemo(() => listPaletteCommands(useAppStore.getState().snapshot, actions), [actions]);
  const choose = (command: PaletteCommand): void => {
    setPaletteOpen(false);
    command.run();
  };
  return (
    <Autocomplete.Root
      inline
      open
      items={commands}
      value={typed}
      onValueChange={setTyped}
      itemToStringValue={(command: PaletteCommand) => command.label}
      autoHighlight="always"
      keepHighlight
    >
      <Autocomplete.Input
        className={styles['input']}
        placeholder="A command or a model"
        aria-label="A command or a model"
      />
      <Autocomplete.Empty className={styles['empty']}>Nothing is called that.</Autocomplete.Empty>
      <Autocomplete.List className={styles['list']}>
        {(command: PaletteCommand) => (
          <Autocomplete.Item
            key={command.id}
            value={command}
            className={styles['item']}
            onClick={() => choose(command)}
          >
            {command.label}
          </Autocomplete.Item>
        )}
      </Autocomplete.List>
    </Autocomplete.Root>
  );
}
