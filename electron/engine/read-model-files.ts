import type { GgufMetadataReader } from './catalog/gguf-metadata.ts';
import type { ModelConfig } from './config/resolved-config.ts';

/** Has the files of models read ahead, one after the other, so that lists can say what is in them. */
export interface ModelFilesReader {
  /** Begins with these in place of what is left of the ones before. Returns at once. */
  read(models: Iterable<ModelConfig>): void;
  close(): void;
}

export function createModelFilesReader(metadata: () => Pick<GgufMetadataReader, 'read'>): ModelFilesReader {
  let current = new AbortController();

  async function readAll(files: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    for (const file of files) {
      if (signal.aborted) return;
      // What is wrong with a file is said when somebody asks for its model.
      await metadata()
        .read(file, signal)
        .catch(() => undefined);
    }
  }

  return {
    read(models) {
      current.abort();
      current = new AbortController();
      const files = [...models].flatMap((model) =>
        model.kind === 'file' ? [model.file, ...(model.mmproj === undefined ? [] : [model.mmproj])] : [],
      );
      void readAll(new Set(files), current.signal);
    },
    close: () => current.abort(),
  };
}
