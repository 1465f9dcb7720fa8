import type { Bridge } from '#shared/contract/bridge.ts';
import type { DeletedModel } from '#shared/contract/commands.ts';
import { formatSize } from '#shared/model/units.ts';
import { printable } from '../printable.ts';
import { showProgressLine } from '../progress-line.ts';
import { writeJson, type VerbContext } from '../terminal.ts';

/**
 * `corral delete M`: the files of a model that Corral downloaded, once it is idle and unloaded. As JSON: `{ deleted }`. An
 * interrupt before that deletes nothing. Throws `conflict` for any other model.
 */
export async function deleteModel(bridge: Bridge, context: VerbContext, name: string): Promise<void> {
  const { terminal, isJson, signal } = context;
  const removeProgressLine = showProgressLine(bridge, context, ({ models }) => {
    const model = models.find(({ id, aliases }) => id === name || aliases.includes(name));
    const running = model?.activeRequests ?? 0;
    return running === 0 ? undefined : `${name}: waits for ${running} running request${running === 1 ? '' : 's'}`;
  });
  let deleted: DeletedModel;
  try {
    ({ deleted } = await bridge.call('delete-model', { model: name }, signal));
  } finally {
    removeProgressLine();
  }
  if (isJson) {
    writeJson(terminal, { deleted });
    return;
  }
  terminal.write(`${printable(deleted.model)} deleted (${formatSize(deleted.freedBytes)} of disk free again)\n`);
  for (const file of deleted.files) terminal.write(`  ${printable(file)}\n`);
}
