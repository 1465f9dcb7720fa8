import type { ModelRecord } from './model-record.ts';

/**
 * Notes by which name a model is asked for now. Where it was one of a set that is together by name only and is asked for by
 * another, the others of that set have to go: `sendAway` is called for each that came with it.
 */
export function noteAskedBy(
  model: ModelRecord,
  setName: string | undefined,
  byNameSets: ReadonlyMap<string, readonly string[]> | undefined,
  records: ReadonlyMap<string, ModelRecord>,
  sendAway: (companion: ModelRecord) => void,
): void {
  const before = model.setName;
  if (before === setName) return;
  model.setName = setName;
  const left = before === undefined ? undefined : byNameSets?.get(before);
  const joined = setName === undefined ? undefined : byNameSets?.get(setName);
  for (const member of left ?? []) {
    const companion = records.get(member);
    if (companion === undefined || companion === model || companion.setName !== before) continue;
    if (joined?.includes(member) !== true) sendAway(companion);
  }
}
