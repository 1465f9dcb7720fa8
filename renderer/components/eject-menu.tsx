import { ChevronDown } from 'lucide-react';
import type { EjectMode } from '#shared/contract/commands.ts';
import { useEngine } from '../store/engine-context.ts';
import { Button } from './button.tsx';
import { Menu } from './menu.tsx';

const ejectChoices: readonly { mode: EjectMode; label: string; hint: string }[] = [
  { mode: 'when-idle', label: 'Eject when idle', hint: 'Running answers finish; who waits, waits for the next load' },
  { mode: 'after-queue', label: 'Eject after its queue', hint: 'Whoever waits for it now is served first' },
  { mode: 'now', label: 'Eject now', hint: 'Running answers are cut off with an error' },
];

/** Ejects a model, when and how the user says. */
export function EjectMenu({ id }: { readonly id: string }) {
  const { actions } = useEngine();
  return (
    <Menu
      trigger={
        <Button aria-label={`Eject ${id}`}>
          Eject <ChevronDown size={12} aria-hidden />
        </Button>
      }
      choices={ejectChoices.map(({ mode, label, hint }) => ({
        label,
        hint,
        run: () => void actions.eject(id, mode),
      }))}
    />
  );
}
