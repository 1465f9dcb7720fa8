import type { ConfigChange } from './config/config-change.ts';

/** What a change of the configuration came to, in one line for the log. Pure. */
export function describeConfigChange(change: ConfigChange): string {
  const parts = [
    listed('new', change.added),
    listed('removed', change.removed),
    listed(
      'restarted',
      change.restarted.map(({ id, reasons }) => (reasons.length === 0 ? id : `${id} (${reasons.join(', ')})`)),
    ),
    listed(
      'changed without a restart',
      change.updated.map(({ id, keys }) => (keys.length === 0 ? id : `${id} (${keys.join(', ')})`)),
    ),
    listed('settings', change.settings),
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'nothing that matters changed' : parts.join('; ');
}

function listed(what: string, names: readonly string[]): string {
  return names.length === 0 ? '' : `${what}: ${names.join(', ')}`;
}
