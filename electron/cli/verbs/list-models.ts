import type { Bridge } from '#shared/contract/bridge.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { isResident, type ModelState } from '#shared/model/model-state.ts';
import { formatDuration } from '#shared/model/units.ts';
import { formatTable, type Column } from '../format-table.ts';
import { writeJson, type Style, type VerbContext } from '../terminal.ts';

const stateStyles: Readonly<Record<ModelState, Style | undefined>> = {
  off: 'dim',
  starting: 'yellow',
  loading: 'yellow',
  ready: 'green',
  draining: 'yellow',
  stopping: 'yellow',
  crashed: 'red',
  failed: 'red',
};

const nameColumn: Column<ModelView> = { header: 'NAME', text: (model) => model.id };
const stateColumn: Column<ModelView> = {
  header: 'STATE',
  text: (model) =>
    model.state === 'loading' && model.loadProgress !== null
      ? `loading ${Math.floor(model.loadProgress * 100)}%`
      : model.state,
  style: (model) => stateStyles[model.state],
};
const requestsColumn: Column<ModelView> = {
  header: 'REQUESTS',
  text: ({ activeRequests, waitingRequests }) =>
    waitingRequests === 0 ? String(activeRequests) : `${activeRequests} (+${waitingRequests} waiting)`,
};

/** `corral ps`: the models that hold memory or are about to. As JSON: a list of model views. */
export async function showLoadedModels(
  bridge: Bridge,
  { terminal, isJson, signal, wallMs }: VerbContext,
): Promise<void> {
  const { models } = await bridge.call('get-snapshot', {}, signal);
  const loaded = models.filter((model) => isResident(model.state));
  if (isJson) {
    writeJson(terminal, loaded);
    return;
  }
  const nowMs = wallMs();
  const columns: readonly Column<ModelView>[] = [
    nameColumn,
    stateColumn,
    requestsColumn,
    { header: 'CONTEXT', isNumber: true, text: (model) => model.contextSize?.toString() ?? null },
    { header: 'PID', isNumber: true, text: (model) => model.pid?.toString() ?? null },
    { header: 'IDLE/ACTIVE SINCE', text: (model) => describeActivity(model, nowMs) },
  ];
  terminal.write(formatTable(loaded, columns, terminal.paint));
}

/** `corral models`: every model there is. As JSON: a list of model views. */
export async function showAllModels(bridge: Bridge, { terminal, isJson, signal }: VerbContext): Promise<void> {
  const { models } = await bridge.call('get-snapshot', {}, signal);
  if (isJson) {
    writeJson(terminal, models);
    return;
  }
  const columns: readonly Column<ModelView>[] = [
    nameColumn,
    stateColumn,
    requestsColumn,
    { header: 'KIND', text: (model) => model.kind },
    { header: 'ALIASES', text: (model) => (model.aliases.length === 0 ? null : model.aliases.join(', ')) },
    { header: 'NOTES', text: describeNotes },
  ];
  terminal.write(formatTable(models, columns, terminal.paint));
}

function describeActivity(model: ModelView, nowMs: number): string {
  const since = (at: number): string => formatDuration(nowMs - at);
  if (model.state !== 'ready') return `${model.state} ${since(model.stateSince)}`;
  if (model.activeRequests > 0) return 'active';
  return `idle ${since(Math.max(model.stateSince, model.lastUsedAt ?? 0))}`;
}

const origins: Readonly<Record<ModelView['origin'], string | undefined>> = {
  config: undefined,
  demo: 'built-in demo',
  folder: 'found on disk',
  'hugging-face': "found in Hugging Face's cache",
  ollama: 'found at Ollama',
  'lm-studio': 'found at LM Studio',
};

function describeNotes(model: ModelView): string | null {
  const notes = [
    origins[model.origin],
    model.isPinned ? 'pinned' : undefined,
    model.problem === null ? undefined : model.problem.message,
    ...model.warnings,
  ].filter((note) => note !== undefined);
  return notes.length === 0 ? null : notes.join('; ');
}
