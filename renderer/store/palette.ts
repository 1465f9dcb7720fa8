import { create } from 'zustand';

/** Whether the command palette is open; apart from the engine's projection. */
export const usePaletteStore = create<{ readonly isOpen: boolean }>(() => ({ isOpen: false }));

export function openPalette(): void {
  usePaletteStore.setState({ isOpen: true });
}

export function setPaletteOpen(isOpen: boolean): void {
  usePaletteStore.setState({ isOpen });
}
