import { parentPort } from 'node:worker_threads';
import { serialiseError, toAppError, type SerialisedError } from '#shared/contract/errors.ts';
import { readModelFile, readModelKeys, type ModelKeys } from './gguf-model-file.ts';
import type { ModelMetadata } from './gguf-model-metadata.ts';

/** Entry of the worker thread that reads model files, one after the other. */

export interface MetadataRequest {
  readonly id: number;
  readonly filePath: string;
  readonly wants: 'metadata' | 'keys';
}

export type MetadataReply = { readonly id: number } & (
  | { readonly ok: true; readonly found: ModelMetadata | ModelKeys }
  | { readonly ok: false; readonly error: SerialisedError }
);

parentPort?.on('message', (request: MetadataRequest) => {
  parentPort?.postMessage(answer(request));
});

function answer({ id, filePath, wants }: MetadataRequest): MetadataReply {
  try {
    return { id, ok: true, found: wants === 'keys' ? readModelKeys(filePath) : readModelFile(filePath) };
  } catch (thrown) {
    return { id, ok: false, error: serialiseError(toAppError(thrown)) };
  }
}
