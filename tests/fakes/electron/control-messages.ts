import type { DialogAnswer, ShownDialog } from './dialog.ts';
import type { DisplayDescription } from './screen.ts';

/** A menu item as a test sees it. */
export interface MenuItemView {
  readonly id: string;
  readonly label: string;
  readonly sublabel: string;
  readonly type: string;
  readonly isEnabled: boolean;
  readonly isChecked: boolean;
  readonly items: readonly MenuItemView[];
}

export interface TrayView {
  readonly toolTip: string;
  readonly title: string;
  readonly imageSource: string;
  readonly isTemplateImage: boolean;
  readonly menuCount: number;
  readonly items: readonly MenuItemView[];
}

export interface NotificationView {
  readonly title: string;
  readonly body: string;
}

export interface WindowView {
  readonly id: number;
  /** As Electron says it: `corral://app/…`. */
  readonly url: string;
  readonly title: string;
  readonly isVisible: boolean;
  readonly isFocused: boolean;
  readonly isMinimized: boolean;
  readonly isLoaded: boolean;
  readonly bounds: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

/** What the driver may ask the app's process for: name, then question and answer. */
export interface ControlRequests {
  tray: { question: null; answer: TrayView | null };
  /** The way to the item: ids, labels, or what labels begin with. */
  clickTrayItem: { question: readonly string[]; answer: null };
  clickTray: { question: null; answer: null };
  notifications: { question: null; answer: readonly NotificationView[] };
  clickNotification: { question: number; answer: null };
  dialogs: { question: null; answer: readonly ShownDialog[] };
  answerDialog: { question: { readonly id: number; readonly answer: DialogAnswer }; answer: null };
  windows: { question: null; answer: readonly WindowView[] };
  closeWindows: { question: null; answer: null };
  crashRenderers: { question: null; answer: null };
  openedOutside: { question: null; answer: readonly string[] };
  clipboard: { question: null; answer: string };
  power: { question: 'suspend' | 'resume' | 'shutdown'; answer: null };
  displays: { question: readonly DisplayDescription[]; answer: null };
  systemDark: { question: boolean; answer: null };
  loginItem: { question: null; answer: boolean };
  permission: { question: { readonly permission: string; readonly url: string }; answer: boolean };
  /** Where a test connects to Chromium, the address in the browser of one of the app's, and what pages post texts with. */
  chromium: { question: null; answer: { readonly address: string; readonly binding: string } | null };
  activate: { question: null; answer: null };
  quit: { question: null; answer: null };
}

export type ControlName = keyof ControlRequests;

export interface ControlQuestion {
  readonly id: number;
  readonly name: ControlName;
  readonly question: unknown;
}

export interface ControlAnswer {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}
