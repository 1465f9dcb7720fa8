import type { Bridge } from '#shared/contract/bridge.ts';
import type { ModelView, QueueEntryView, Snapshot } from '#shared/contract/snapshot.ts';
import { formatDuration } from '#shared/model/units.ts';
import { printable } from '../printable.ts';
import { showProgressLine } from '../progress-line.ts';
import { writeJson, type VerbContext } from '../terminal.ts';

/**
 * `corral load M`: waits until the model is ready, with its progress if a person watches. As JSON: `{ model }`. Aborting
 * ends the wait, and with it the load if nobody else wants it.
 */
export async function loadModel(bridge: Bridge, context: VerbContext, name: string): Promise<void> {
  const { terminal, isJson, signal, wallMs } = context;
  const startedAt = wallMs();
  const removeProgressLine = showProgressLine(bridge, context, (snapshot) => describeLoad(snapshot, name));
  let model: ModelView;
  try {
    ({ model } = await bridge.call('load-model', { model: name }, signal));
  } finally {
    removeProgressLine();
  }
  if (isJson) {
    writeJson(terminal, { model });
    return;
  }
  const wasReady = model.stateSince < startedAt;
  const manner = wasReady ? 'it was loaded already' : formatDuration(wallMs() - startedAt);
  terminal.write(`${printable(model.id)} is ready (${manner})\n`);
}

const waits: Readonly<Record<QueueEntryView['waitsFor'], string>> = {
  slot: 'waits for a free slot',
  load: 'waits for the load',
  room: 'waits for room: other models are busy',
  'restart-delay': 'waits for its next start after a failure',
  lane: 'waits for its lane',
  eject: 'waits for its eject to end',
  'game-mode': 'waits for the end of game mode',
};

/** What a load is about now, such as `qwen3: loading 40%`; undefined if there is no such model or it is ready. */
export function describeLoad({ models, queue }: Snapshot, name: string): string | undefined {
  const model = models.find(({ id, aliases }) => id === name || aliases.includes(name));
  if (model === undefined || model.state === 'ready') return undefined;
  const say = (text: string): string => `${model.id}: ${text}`;
  switch (model.state) {
    case 'starting':
      return say(model.detail === null ? 'starting' : `starting (${model.detail})`);
    case 'loading':
      return say(model.loadProgress === null ? 'loading' : `loading ${Math.floor(model.loadProgress * 100)}%`);
    case 'off':
    case 'crashed': {
      const entry = queue.find(({ modelId }) => modelId === model.id);
      return say(entry === undefined ? 'waits' : waits[entry.waitsFor]);
    }
    case 'draining':
    case 'stopping':
    case 'failed':
      return say(model.state);
  }
}
