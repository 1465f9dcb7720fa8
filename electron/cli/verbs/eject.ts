import type { Bridge } from '#shared/contract/bridge.ts';
import type { EjectMode, EjectOutcome } from '#shared/contract/commands.ts';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import { formatDuration, formatSize } from '#shared/model/units.ts';
import { printable } from '../printable.ts';
import { showProgressLine } from '../progress-line.ts';
import { writeJson, type VerbContext } from '../terminal.ts';

/**
 * `corral eject M` and, with no name, `corral eject --all`: waits until the processes are gone. As JSON:
 * `{ ejected }`, an outcome for one model, a list for all. Aborting ends the wait, not the eject.
 */
export async function ejectModels(
  bridge: Bridge,
  context: VerbContext,
  { name, mode }: { readonly name: string | undefined; readonly mode: EjectMode },
): Promise<void> {
  const { terminal, isJson, signal } = context;
  const removeProgressLine = showProgressLine(bridge, context, (snapshot) => describeEject(snapshot, name));
  let ejected: EjectOutcome | EjectOutcome[];
  try {
    ({ ejected } =
      name === undefined
        ? await bridge.call('eject-all-models', { mode }, signal)
        : await bridge.call('eject-model', { model: name, mode }, signal));
  } finally {
    removeProgressLine();
  }
  if (isJson) {
    writeJson(terminal, { ejected });
    return;
  }
  const outcomes = Array.isArray(ejected) ? ejected : [ejected];
  if (outcomes.length === 0) terminal.write('No model is loaded\n');
  for (const outcome of outcomes) terminal.write(`${printable(describeOutcome(outcome))}\n`);
}

/** `qwen3 ejected (exit code 0, 35 ms); 9.2 GB of CUDA0 free again`. */
export function describeOutcome({ model, wasLoaded, exitCode, signal, tookMs, freedBytes }: EjectOutcome): string {
  if (!wasLoaded) return `${model} was not loaded`;
  const exit = [
    ...(exitCode === null ? [] : [`exit code ${exitCode}`]),
    ...(signal === null ? [] : [`ended by ${signal}`]),
  ];
  const freed = Object.entries(freedBytes).map(([device, bytes]) => `${formatSize(bytes)} of ${device}`);
  const back = freed.length === 0 ? '' : `; ${freed.join(' and ')} free again`;
  return `${model} ejected (${[...exit, formatDuration(tookMs)].join(', ')})${back}`;
}

function describeEject({ models }: Snapshot, name: string | undefined): string | undefined {
  const left = models.filter(
    (model) => isResident(model.state) && (name === undefined || model.id === name || model.aliases.includes(name)),
  );
  if (left.length === 0) return undefined;
  const running = left.reduce((sum, model) => sum + model.activeRequests, 0);
  const what = left.map((model) => model.id).join(', ');
  return running === 0
    ? `${what}: stopping`
    : `${what}: waits for ${running} running request${running === 1 ? '' : 's'}`;
}
