import type { Bridge } from '#shared/contract/bridge.ts';
import { writeJson, type VerbContext } from '../terminal.ts';

/** `corral game-mode on|off`. As JSON: `{ isGameMode }`. */
export async function setGameMode(
  bridge: Bridge,
  { terminal, isJson, signal }: VerbContext,
  isOn: boolean,
): Promise<void> {
  const { isGameMode } = await bridge.call('set-game-mode', { isOn }, signal);
  if (isJson) writeJson(terminal, { isGameMode });
  else
    terminal.write(
      isGameMode
        ? 'Game mode is on: running requests finish, then all models are unloaded; nothing is loaded until it is off\n'
        : 'Game mode is off\n',
    );
}
