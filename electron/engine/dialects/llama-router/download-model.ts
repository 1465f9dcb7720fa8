import { mkdir } from 'node:fs/promises';
import { formatSize } from '#shared/model/units.ts';
import { openDownloads } from '../../catalog/downloads/open-downloads.ts';
import { createAppLogger } from '../../telemetry/app-logger.ts';
import type { StepTools } from '../command-line.ts';

/** Between two lines about the progress of a download. */
const STEP_PERCENT = 10;

/**
 * Downloads a model into Hugging Face's cache, where the router finds it at its next start. Returns the exit code; what goes
 * wrong is thrown.
 */
export async function downloadModel(
  { repository, file }: { readonly repository: string; readonly file: string | undefined },
  { env, homeFolder, dataFolder, version, signal, print, printError }: StepTools,
): Promise<number> {
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const logger = createAppLogger({ level: () => 'warn', write: (_level, line) => printError(line) });
  const downloads = openDownloads({ env, homeFolder, dataFolder, version, logger });
  try {
    let told = -1;
    const { id } = downloads.start(repository, file === undefined ? {} : { file });
    downloads.subscribe((view) => {
      if (view.id !== id || view.totalBytes === null || view.totalBytes === 0) return;
      const step = Math.floor(((view.receivedBytes / view.totalBytes) * 100) / STEP_PERCENT);
      if (step === told) return;
      told = step;
      print(`${step * STEP_PERCENT}% of ${formatSize(view.totalBytes)}`);
    });
    const { files, mmproj } = await downloads.wait(id, signal);
    for (const each of [...files, ...(mmproj === undefined ? [] : [mmproj])]) print(each);
    return 0;
  } finally {
    await downloads.close();
  }
}
