import { expect, it } from 'vitest';
import { describeFileFacts } from '../../../electron/engine/catalog/file-facts.ts';
import type { ModelMetadata } from '../../../electron/engine/catalog/gguf-model-metadata.ts';
import type { FileModelConfig } from '../../../electron/engine/config/resolved-config.ts';
import { commandModelConfig, fileModelConfig } from '../../fakes/model-config.ts';

const text = { input: ['text'], output: ['text'] };
const projector = (takesImages: boolean, takesAudio: boolean): Partial<ModelMetadata> => ({
  kind: 'projector',
  fileBytes: 5,
  projector: {
    ...{ takesImages, takesAudio, imageSize: 0, patchSize: 0 },
    ...{ embeddingLength: 0, feedForwardLength: 0, heads: 0 },
  },
});

function facts(changes: Partial<FileModelConfig>, files: Readonly<Record<string, Partial<ModelMetadata>>>) {
  return describeFileFacts(
    fileModelConfig('a', { file: 'model', ...changes }),
    (file) => files[file] as ModelMetadata | undefined,
  );
}

const [language, embedding, rerank] = (['language', 'embedding', 'rerank'] as const).map((kind) => ({
  kind,
  fileBytes: 100,
}));

it.each([
  ['a model for chats', {}, { model: language }, 100, text],
  ['one for embeddings, by its file', {}, { model: embedding }, 100, { ...text, output: ['embeddings'] }],
  [
    'one for embeddings, as configured',
    { embeddings: true },
    { model: language },
    100,
    { ...text, output: ['embeddings'] },
  ],
  ['one for reranking, by its file', {}, { model: rerank }, 100, { ...text, output: ['scores'] }],
  ['one for reranking, as configured', { rerank: true }, { model: embedding }, 100, { ...text, output: ['scores'] }],
  [
    'one that sees',
    { mmproj: 'p' },
    { model: language, p: projector(true, false) },
    105,
    { ...text, input: ['text', 'image'] },
  ],
  [
    'one that hears',
    { mmproj: 'p' },
    { model: language, p: projector(false, true) },
    105,
    { ...text, input: ['text', 'audio'] },
  ],
  [
    'one that does both',
    { mmproj: 'p' },
    { model: language, p: projector(true, true) },
    105,
    { ...text, input: ['text', 'image', 'audio'] },
  ],
  [
    'one whose projector says nothing',
    { mmproj: 'p' },
    { model: language, p: projector(false, false) },
    105,
    undefined,
  ],
  ['a projector that is no model', {}, { model: projector(true, false) }, 5, undefined],
  ['one that was not read yet', {}, {}, undefined, undefined],
  ['one whose projector was not read yet', { mmproj: 'p' }, { model: language }, undefined, undefined],
] as const)('%s', (_what, changes, files, sizeBytes, modalities) => {
  expect(facts(changes, files as Record<string, Partial<ModelMetadata>>)).toEqual({ sizeBytes, modalities });
});

it('knows nothing of commands, nor of what there is not', () => {
  const known = (): never => expect.unreachable();
  for (const config of [commandModelConfig('c'), undefined]) {
    expect(describeFileFacts(config, known)).toEqual({ sizeBytes: undefined, modalities: undefined });
  }
});
