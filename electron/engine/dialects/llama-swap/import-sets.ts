import type { PathSegment } from '../../config/config-issue.ts';
import type { LlamaSwapDocument, LlamaSwapGroup, LlamaSwapMatrix } from './document.ts';
import type { ImportContext } from './import-context.ts';
import type { ImportedModels } from './import-models.ts';
import { expandMatrixSet } from './matrix.ts';

export interface ImportedSets {
  readonly sets: Readonly<Record<string, Record<string, unknown>>>;
  /** Only where nothing else says what may be loaded beside what. */
  readonly maxLoaded: number | undefined;
}

/** Profiles, groups and the matrix: which models may be loaded side by side. */
export function importSets(document: LlamaSwapDocument, models: ImportedModels, context: ImportContext): ImportedSets {
  const sets: Record<string, Record<string, unknown>> = {};
  importProfiles(document, { sets, models }, context);
  const router = document.routing?.router;
  const settings: PathSegment[] = ['routing', 'router', 'settings'];
  const isMatrix = router === undefined ? document.matrix !== undefined : router.use === 'matrix';
  if (router?.use !== undefined) context.mapped(['routing', 'router', 'use'], 'as its settings say');
  if (document.routing?.scheduler?.['use'] !== undefined) {
    context.mapped(['routing', 'scheduler', 'use'], 'the queue serves in the order in which requests came');
  }
  const [groups, groupsAt] =
    router === undefined ? [document.groups, ['groups']] : [router.settings?.groups, [...settings, 'groups']];
  const [matrix, matrixAt] =
    router === undefined ? [document.matrix, ['matrix']] : [router.settings?.matrix, [...settings, 'matrix']];
  if (groups !== undefined && matrix !== undefined && router === undefined) {
    context.refuse(['matrix'], 'cannot stand beside `groups`; keep one of them');
    return { sets, maxLoaded: 1 };
  }
  if (isMatrix && matrix !== undefined) importMatrix(matrix, matrixAt, { sets, models }, context);
  else if (groups !== undefined) importGroups(groups, groupsAt, { sets, models }, context);
  else return { sets, maxLoaded: 1 };
  return { sets, maxLoaded: undefined };
}

interface Parts {
  readonly sets: Record<string, Record<string, unknown>>;
  readonly models: ImportedModels;
}

/** No set may have the name of a model. */
function freeName(wanted: string, { sets, models }: Parts): string {
  let name = wanted;
  for (let number = 2; Object.hasOwn(sets, name) || Object.hasOwn(models.native, name); number += 1) {
    name = `${wanted} (${number})`;
  }
  return name;
}

function importProfiles(document: LlamaSwapDocument, parts: Parts, context: ImportContext): void {
  for (const [profile, written] of Object.entries(document.profiles ?? {})) {
    const at: PathSegment[] = ['profiles', profile];
    if (!Array.isArray(written)) {
      context.dropped(at, 'Corral has no names that are pinned to other models at run time; give the models aliases');
      continue;
    }
    const members = membersOf(written, at, parts.models, context);
    if (members.length === 0) {
      context.dropped(at, 'it has no members');
      continue;
    }
    const name = freeName(profile, parts);
    parts.sets[name] = { models: members, load: 'together', byName: true };
    const addresses = members.map((id) => parts.models.native[id]?.['proxy']).filter((proxy) => proxy !== undefined);
    if (name !== profile)
      context.approximated(at, `a model has its name, so that it is asked for as ${name}/model`, ['sets', name]);
    else if (new Set(addresses).size < addresses.length) {
      context.approximated(at, 'members with the same address cannot be loaded at once; the one asked for is', [
        'sets',
        name,
      ]);
    } else context.mapped(at, `loaded together when asked for as ${name}/model`, ['sets', name]);
  }
}

function membersOf(
  names: readonly string[],
  at: readonly PathSegment[],
  models: ImportedModels,
  context: ImportContext,
): string[] {
  const members = names.flatMap((name, index) => {
    const id = models.resolve(name);
    if (id === undefined) context.dropped([...at, index], 'there is no model of that name');
    return id === undefined ? [] : [id];
  });
  return [...new Set(members)];
}

function importGroups(
  groups: Readonly<Record<string, LlamaSwapGroup>>,
  groupsAt: readonly PathSegment[],
  parts: Parts,
  context: ImportContext,
): void {
  const grouped = new Map<string, string>();
  for (const [name, { swap, exclusive, persistent, members: written }] of Object.entries(groups)) {
    const at = [...groupsAt, name];
    const members = membersOf(written, [...at, 'members'], parts.models, context);
    for (const member of members) {
      const other = grouped.get(member);
      if (other !== undefined) context.refuse([...at, 'members'], `model ${member} is in group ${other} already`);
      grouped.set(member, name);
    }
    if (members.length === 0) {
      context.dropped(at, 'it has no members');
      continue;
    }
    const set = freeName(name, parts);
    parts.sets[set] = {
      models: members,
      ...(swap === undefined || context.isTrue(swap) ? { oneAtATime: true } : {}),
      ...(exclusive === undefined || context.isTrue(exclusive) ? { evictsOthers: true } : {}),
      ...(context.isTrue(persistent) ? { persistent: true } : {}),
    };
    context.mapped(at, 'a set; beyond it, models are also unloaded where memory would not do', ['sets', set]);
  }
  const others = Object.keys(parts.models.native).filter((id) => !grouped.has(id));
  if (others.length > 0) {
    parts.sets[freeName('no group', parts)] = { models: others, oneAtATime: true, evictsOthers: true };
  }
}

function importMatrix(
  { vars, evict_costs: costs, sets: expressions }: LlamaSwapMatrix,
  at: readonly PathSegment[],
  parts: Parts,
  context: ImportContext,
): void {
  const idOf = new Map<string, string>();
  for (const [short, name] of Object.entries(vars ?? {})) {
    const id = parts.models.resolve(name);
    if (id === undefined) context.refuse([...at, 'vars', short], 'is not the id of a model');
    else idOf.set(short, id);
  }
  if (vars !== undefined) context.mapped([...at, 'vars'], 'written out in the sets');
  const placed = new Set<string>();
  for (const [name, expression] of Object.entries(expressions ?? {})) {
    const expanded = expandMatrixSet(expression, expressions ?? {});
    if (!expanded.ok) {
      context.refuse([...at, 'sets', name], expanded.problem);
      continue;
    }
    for (const combination of expanded.combinations) {
      const members = combination.map((short) => idOf.get(short) ?? parts.models.resolve(short));
      const unknown = combination.find((_short, index) => members[index] === undefined);
      if (unknown !== undefined) {
        context.refuse([...at, 'sets', name], `names ${unknown}, which is not in vars`);
        break;
      }
      const ids = members.filter((id) => id !== undefined);
      for (const id of ids) placed.add(id);
      parts.sets[freeName(name, parts)] = { models: [...new Set(ids)], exclusive: true };
    }
    context.mapped([...at, 'sets', name], 'each combination is a set that bears nothing beside it', ['sets', name]);
  }
  if (costs !== undefined) {
    context.approximated([...at, 'evict_costs'], 'Corral weighs models by how long they really took to load');
  }
  const others = Object.keys(parts.models.native).filter((id) => !placed.has(id));
  if (others.length > 0) {
    parts.sets[freeName('alone', parts)] = { models: others, oneAtATime: true, exclusive: true };
  }
}
