import { afterEach, beforeAll, beforeEach } from 'vitest';
import { createTestFolder, type TestFolder } from './corral.ts';
import { ensureRealLlamaServer } from './real-llama-server.ts';

export interface RealLlamaServerTest {
  readonly llamaServer: string;
  /** Of the test that runs. */
  readonly folder: TestFolder;
  /** Ends something after the test: the newest first, and before the folder goes. */
  endAfterwards(end: () => Promise<unknown>): void;
}

/** For a whole file: the real llama-server, and a new folder for each of its tests. */
export function useRealLlamaServer(): RealLlamaServerTest {
  let llamaServer = '';
  let folder: TestFolder | undefined;
  const ends: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    llamaServer = await ensureRealLlamaServer();
  });
  beforeEach(async () => {
    folder = await createTestFolder();
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    await folder?.dispose();
    folder = undefined;
  });

  return {
    get llamaServer() {
      return llamaServer;
    },
    get folder() {
      if (folder === undefined) throw new Error('there is a folder only while a test runs');
      return folder;
    },
    endAfterwards: (end) => void ends.push(end),
  };
}
