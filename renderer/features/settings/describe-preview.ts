import type { SettingsPreview } from '#shared/contract/settings.ts';

/** What applying the changes will do, in words, most important first. Nothing to say: nobody has to restart. */
export function describePreview({ restarts, added, removed, isListenerChanged }: SettingsPreview): readonly string[] {
  const loaded = restarts.filter(({ isLoaded }) => isLoaded);
  const others = restarts.filter(({ isLoaded }) => !isLoaded);
  return [
    ...loaded.map(
      ({ model, reasons }) =>
        `restarts ${model} (loaded), once it has finished what it is answering${reasons.length === 0 ? '' : `: ${reasons.join(', ')}`}`,
    ),
    ...(others.length === 0 ? [] : [`${others.map(({ model }) => model).join(', ')}: from the next load on`]),
    ...(added.length === 0 ? [] : [`adds ${added.join(', ')}`]),
    ...(removed.length === 0 ? [] : [`removes ${removed.join(', ')}`]),
    ...(isListenerChanged ? ['the address changes; programs that use the old one have to be told'] : []),
  ];
}

/** The same in a few words, for after it was done. */
export function describeApplied(
  count: number,
  { restarts, added, removed, isListenerChanged }: SettingsPreview,
): string {
  const restarted = restarts.filter(({ isLoaded }) => isLoaded).map(({ model }) => model);
  const parts = [
    countChanges(count, 'applied'),
    ...(restarted.length === 0 ? [] : [`${restarted.join(', ')} restarts`]),
    ...(added.length === 0 ? [] : [`${added.join(', ')} added`]),
    ...(removed.length === 0 ? [] : [`${removed.join(', ')} removed`]),
    ...(isListenerChanged ? ['the address has changed'] : []),
  ];
  return `${parts.join('; ')}.`;
}

export function countChanges(count: number, verb = ''): string {
  return `${count} ${count === 1 ? 'change' : 'changes'}${verb === '' ? '' : ` ${verb}`}`;
}
