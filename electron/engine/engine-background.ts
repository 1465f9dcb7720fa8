import { isResident } from '#shared/model/model-state.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import type { ResolvedConfig } from './config/resolved-config.ts';
import type { EngineMemoryParts } from './engine-memory.ts';
import { watchForGames } from './memory/automatic-game-mode.ts';
import { repeatWhileWanted } from './memory/repeat-while-wanted.ts';
import type { Clock } from './ports/clock.ts';

/** How often memory is read while nobody looks and a model holds some of it: as often as its history has samples. */
const BACKGROUND_LOOK_MS = 15_000;

export interface BackgroundOptions {
  readonly clock: Clock;
  readonly memory: Pick<EngineMemoryParts, 'readDevices'>;
  config(): ResolvedConfig;
  models(): ModelView[];
  isGameMode(): boolean;
  switchGameMode(isOn: boolean): void;
}

/** What an engine does while nobody asks it for anything. Returns the function that ends it. */
export function watchInBackground({ clock, memory, ...options }: BackgroundOptions): () => void {
  const endGameWatch = watchForGames({
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
    endGameWatch();
    endLooks();
  };
}
