import { parentPort } from 'node:worker_threads';
import { serialiseError, toAppError, type SerialisedError } from '#shared/contract/errors.ts';
import { readModelFile } from './gguf-model-file.ts';
import type { ModelMetadata } from './gguf-model-metadata.ts';

/** Entry of the worker thread that reads model files, one after the other. */

export interface MetadataRequest {
  readonly id: number;
  readonly filePath: string;
}

export type MetadataReply = { readonly id: number } & (
  { readonly ok: true; readonly metadata: ModelMetadata } | { readonly ok: false; readonly error: SerialisedError }
);

parentPort?.on('message', ({ id, filePath }: MetadataRequest) => {
  parentPort?.postMessage(answer(id, filePath));
});

function answer(id: number, filePath: string): MetadataReply {
  try {
    return { id, ok: true, metadata: readModelFile(filePath) };
  } catch (thrown) {
    return { id, ok: false, error: serialiseError(toAppError(thrown)) };
  }
}
