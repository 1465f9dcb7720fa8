import type { InstanceView } from '#shared/contract/snapshot.ts';
import type { ResolvedConfig } from './config/resolved-config.ts';
import type { ConfigProblem } from './engine-contract.ts';

/** Corral itself as the contract shows it. Pure. */
export function instanceView(
  { filePath, memory }: ResolvedConfig,
  known: Pick<InstanceView, 'version' | 'startedAt' | 'address' | 'dataFolder' | 'isShuttingDown'> & {
    readonly configWarnings: readonly ConfigProblem[];
    readonly configErrors: readonly ConfigProblem[];
  },
): InstanceView {
  const { version, startedAt, address, dataFolder, isShuttingDown } = known;
  return {
    version,
    pid: process.pid,
    startedAt,
    address,
    configPath: filePath ?? null,
    configWarnings: [...known.configWarnings],
    configErrors: [...known.configErrors],
    dataFolder,
    maxLoaded: Number.isFinite(memory.maxLoaded) ? memory.maxLoaded : null,
    isShuttingDown,
  };
}
