import type { EjectMode } from '#shared/contract/commands.ts';

/** What a click on the tray's menu asks for. */
export type TrayAction =
  | { readonly do: 'copy-address'; readonly address: string }
  | { readonly do: 'load'; readonly model: string }
  | { readonly do: 'cancel-load'; readonly model: string }
  | { readonly do: 'eject'; readonly model: string; readonly mode: EjectMode }
  | { readonly do: 'pin'; readonly model: string }
  | { readonly do: 'unpin'; readonly model: string }
  | { readonly do: 'reset'; readonly model: string }
  | { readonly do: 'eject-all' }
  | { readonly do: 'game-mode'; readonly isOn: boolean }
  | { readonly do: 'open'; readonly page: string | undefined }
  | { readonly do: 'start-at-login'; readonly isOn: boolean }
  | { readonly do: 'quit' };

/** One line of the menu as plain data. Labels are ready for Electron: `&` is doubled. */
export type TrayItem =
  | { readonly kind: 'separator' }
  | {
      readonly kind: 'item';
      readonly id: string;
      readonly label: string;
      readonly isEnabled: boolean;
      readonly action: TrayAction;
    }
  | {
      readonly kind: 'checkbox';
      readonly id: string;
      readonly label: string;
      readonly isEnabled: boolean;
      readonly isChecked: boolean;
      readonly action: TrayAction;
    }
  | {
      readonly kind: 'submenu';
      readonly id: string;
      readonly label: string;
      readonly isEnabled: boolean;
      readonly items: readonly TrayItem[];
    };

/** The gap between a name and what is said of it. Menus have no columns on all three platforms. */
export const GAP = '   ';

export const separator: TrayItem = { kind: 'separator' };

export function item(id: string, text: string, action: TrayAction, isEnabled = true): TrayItem {
  return { kind: 'item', id, label: menuLabel(text), isEnabled, action };
}

export function checkbox(id: string, text: string, isChecked: boolean, action: TrayAction): TrayItem {
  return { kind: 'checkbox', id, label: menuLabel(text), isEnabled: true, isChecked, action };
}

export function submenu(id: string, text: string, items: readonly TrayItem[], isEnabled = true): TrayItem {
  return { kind: 'submenu', id, label: menuLabel(text), isEnabled, items };
}

/** The page that shows one model, and its log. */
export function modelPage(model: string): string {
  return `herd/${encodePart(model)}`;
}

export function logsPage(model: string): string {
  return `logs/${encodePart(model)}`;
}

function encodePart(model: string): string {
  return encodeURIComponent(model.replace(/\p{Surrogate}/gu, '\ufffd'));
}

/** Electron takes the character after a single `&` for an access key, on every platform. */
function menuLabel(text: string): string {
  return text.replaceAll('&', '&&');
}
