import { expect, it } from 'vitest';
import type { EjectOutcome } from '../../../shared/contract/commands.ts';
import type { DeletePlan, FileUse } from '../../../electron/engine/catalog/downloads/pulled-files.ts';
import { createModelDeletes } from '../../../electron/engine/engine-deletes.ts';
import { createModelTable } from '../../../electron/engine/model-table.ts';
import { fileModelConfig } from '../../fakes/model-config.ts';

const plan: DeletePlan = { links: ['/cache/a.gguf'], blobs: [], freedBytes: 7, entries: [], goneBlobs: [] };
const ejected: EjectOutcome = {
  model: 'a',
  wasLoaded: true,
  exitCode: 0,
  signal: null,
  tookMs: 1,
  freedBytes: {},
};

function setUp(plans: (DeletePlan | undefined)[] = []) {
  const models = [
    fileModelConfig('a', { file: '/cache/a.gguf', mmproj: '/cache/p.gguf', aliases: ['user/repo:Q4_0'] }),
    fileModelConfig('b', { file: '/cache/b.gguf', mmproj: '/cache/p.gguf', args: ['-md', '/cache/d.gguf', '--x=1'] }),
  ];
  const happened: string[] = [];
  const uses: (readonly FileUse[])[] = [];
  let settle: (outcome: EjectOutcome) => void = () => undefined;
  const deleteModel = createModelDeletes({
    logger: { log: () => undefined },
    pulled: {
      has: () => Promise.resolve(true),
      plan(_model, usedElsewhere) {
        happened.push('plan');
        uses.push(usedElsewhere);
        return Promise.resolve(plans.length === 0 ? plan : plans.shift());
      },
      delete() {
        happened.push('delete');
        return Promise.resolve();
      },
    },
    table: () => createModelTable(new Map(models.map((model) => [model.id, model])), new Map()),
    originOf: () => 'hugging-face',
    ejectModel(modelId, mode) {
      happened.push(`eject ${modelId} ${mode}`);
      return new Promise((resolve) => (settle = resolve));
    },
    rescan() {
      happened.push('rescan');
      return Promise.resolve();
    },
  });
  return { deleteModel, happened, uses, settle: () => settle(ejected) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const never = new AbortController().signal;

it('unloads a model once it is idle, and only then deletes its files, as they are by then', async () => {
  const { deleteModel, happened, settle } = setUp();
  const deleted = deleteModel('hf.co/user/repo:Q4_0', never);
  await turn();
  expect(happened).toEqual(['plan', 'eject a when-idle']);
  settle();
  expect(await deleted).toEqual({ model: 'a', files: ['/cache/a.gguf'], freedBytes: 7 });
  expect(happened.slice(2)).toEqual(['plan', 'delete', 'rescan']);
});

it('deletes nothing for somebody who waits no longer', async () => {
  const { deleteModel, happened, settle } = setUp();
  const gone = new AbortController();
  const deleted = deleteModel('a:latest', gone.signal);
  await turn();
  gone.abort(new Error('gone'));
  settle();
  await expect(deleted).rejects.toThrow('gone');
  expect(happened).not.toContain('delete');
});

it('unloads nothing for a model that Corral did not download, and deletes none that is not its own any more', async () => {
  const refused = setUp([undefined]);
  await expect(refused.deleteModel('a', never)).rejects.toMatchObject({ code: 'conflict' });
  expect(refused.happened).toEqual(['plan']);

  const changed = setUp([plan, undefined]);
  const deleted = changed.deleteModel('a', never);
  await turn();
  changed.settle();
  await expect(deleted).rejects.toMatchObject({ code: 'conflict' });
  expect(changed.happened).not.toContain('delete');
  await expect(changed.deleteModel('none', never)).rejects.toMatchObject({ code: 'not-found' });
});

it('knows the files that other models name, on their command lines too', async () => {
  const { deleteModel, uses, settle } = setUp();
  const deleted = deleteModel('a', never);
  await turn();
  settle();
  await deleted;
  expect(uses[0]).toEqual(['/cache/b.gguf', '/cache/p.gguf', '/cache/d.gguf'].map((file) => ({ modelId: 'b', file })));
});
