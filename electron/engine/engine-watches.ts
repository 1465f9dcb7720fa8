import type { ModelView } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import type { ResolvedConfig } from './config/resolved-config.ts';
import type { EngineMemoryParts } from './engine-memory.ts';
import { watchForGames } from './memory/automatic-game-mode.ts';
import { repeatWhileWanted } from './memory/repeat-while-wanted.ts';
import type { Clock } from './ports/clock.ts';

/** How often memory is read while nobody looks and a model holds some of it: as often as its history has samples. */
const BACKGROUND_LOOK_MS = 15_000;

/** What the engine looks at by itself, from its start on. Returns what ends it. */
export function watchMemory(options: {
  readonly clock: Clock;
  readonly memory: Pick<EngineMemoryParts, 'readDevices'>;
  config(): ResolvedConfig;
  models(): readonly ModelView[];
  isGameMode(): boolean;
  switchGameMode(isOn: boolean): void;
}): () => void {
  const { clock, memory } = options;
  const endGames = watchForGames({
    clock,
    isWanted: () => options.config().memory.gameMode.isAutomatic,
    isOn: options.isGameMode,
    switchTo: options.switchGameMode,
    readDevices: memory.readDevices,
  });
  const endLooks = repeatWhileWanted({
    clock,
    intervalMs: BACKGROUND_LOOK_MS,
    // A GPU that nobody uses is left asleep.
    isWanted: () => options.models().some(({ state }) => isResident(state)),
    async act() {
      await memory.readDevices();
    },
  });
  return () => {
    endLooks();
    endGames();
  };
}
