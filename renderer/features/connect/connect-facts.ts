import type { CatalogModel } from '#shared/contract/catalog.ts';
import type { SettingsView } from '#shared/contract/settings.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';

/** What the Connect page is filled in with, told from settings and models. Pure. */

/** Names of the lanes that keys are configured for, in the order of the file. */
export function laneNames(values: SettingsView['values']): string[] {
  const apiKeys = readObject(values?.['server'])['apiKeys'];
  if (!Array.isArray(apiKeys)) return [];
  return apiKeys.flatMap((entry) => {
    const { name } = readObject(entry);
    return typeof name === 'string' ? [name] : [];
  });
}

/** Ids to suggest for a chat: what is loaded first, and nothing that is known to do something else. */
export function chatModels(models: readonly ModelView[], catalog: readonly CatalogModel[]): string[] {
  const others = new Set(
    catalog.filter(({ metadata }) => metadata !== null && metadata.kind !== 'language').map(({ id }) => id),
  );
  const fitting = models.filter(({ id }) => !others.has(id));
  const shown = fitting.length === 0 ? models : fitting;
  return [...shown]
    .sort((left, right) => Number(isResident(right.state)) - Number(isResident(left.state)))
    .map(({ id }) => id);
}

/** Where other devices reach Corral, as base addresses; empty if it listens on this computer only. */
export function lanBaseUrls(address: string, settings: SettingsView | undefined): string[] {
  const { hostname, port } = new URL(address);
  // Addresses that stand for all of them are shown as loopback ones.
  const configured = readObject(settings?.values?.['server'])['host'];
  const host = isLoopback(hostname) && typeof configured === 'string' ? configured : hostname;
  if (isLoopback(host)) return [];
  const isWildcard = host === '0.0.0.0' || host === '::' || host === '[::]';
  const hosts = isWildcard ? (settings?.lanAddresses ?? []) : [host];
  return hosts.map((each) => `http://${each.includes(':') && !each.startsWith('[') ? `[${each}]` : each}:${port}/v1`);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || host.startsWith('127.');
}

function readObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
