import type { SettingEdit } from '#shared/contract/settings.ts';
import { valueAt, type SettingValues } from './edits.ts';

const ANY_ADDRESS = '0.0.0.0';

/** Whether only this machine can reach a listener on `host`. A name other than `localhost` may lead anywhere. */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[|\]$/g, '').toLowerCase();
  return address === 'localhost' || address === '::1' || /^127(\.\d{1,3}){3}$/.test(address);
}

export function isOpenToNetwork(edited: SettingValues): boolean {
  const host = valueAt(edited, ['server', 'host']);
  return typeof host === 'string' && host !== '' && !isLoopback(host);
}

export function listKeys(edited: SettingValues): readonly { readonly position: number; readonly name: string }[] {
  const keys = valueAt(edited, ['server', 'apiKeys']);
  if (!Array.isArray(keys)) return [];
  // Removed entries are null; they keep the positions of the others.
  return keys.flatMap((key, position) => {
    const name = valueAt(key, ['name']);
    return key === null ? [] : [{ position, name: typeof name === 'string' ? name : '' }];
  });
}

/** Adds a key behind the others. */
export function addKeyEdit(edited: SettingValues, name: string, key: string): SettingEdit {
  const keys = valueAt(edited, ['server', 'apiKeys']);
  return { path: ['server', 'apiKeys', Array.isArray(keys) ? keys.length : 0], value: { name, key } };
}

/** Opens Corral to the network; there has to be a key, or one is added in the same go. */
export function openNetworkEdits(
  edited: SettingValues,
  newKey: { name: string; key: string } | undefined,
): SettingEdit[] {
  const open: SettingEdit = { path: ['server', 'host'], value: ANY_ADDRESS };
  return newKey === undefined ? [open] : [addKeyEdit(edited, newKey.name, newKey.key), open];
}

/** Back to this machine only. The keys stay: on loopback they do no harm. */
export const closeNetworkEdit: SettingEdit = { path: ['server', 'host'] };

/** What devices in the network call. IPv6 addresses stand in brackets. */
export function lanUrl(address: string, port: number): string {
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}/v1`;
}

const KEY_BYTES = 24;

/** A key nobody can guess: 192 random bits, in characters that every header and form takes. */
export function formatKey(bytes: Uint8Array): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  // Six bits a character: no character is likelier than another.
  let text = '';
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text += alphabet[(buffer >> bits) & 63] ?? '';
    }
  }
  return `sk-corral-${text}`;
}

export function generateKey(): string {
  return formatKey(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));
}
