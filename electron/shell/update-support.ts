import { linuxUpdateObstacle } from './update-support-linux.ts';
import { windowsUpdateObstacle } from './update-support-windows.ts';

export interface UpdateSurroundings {
  readonly isPackaged: boolean;
  readonly platform: NodeJS.Platform;
  readonly env: NodeJS.ProcessEnv;
}

/** Why this copy of Corral cannot replace itself, as a sentence; undefined if it can. Pure. */
export function updateObstacle({ isPackaged, platform, env }: UpdateSurroundings): string | undefined {
  if (!isPackaged) return 'This copy of Corral runs from its source, so it does not update itself.';
  if (platform === 'linux') return linuxUpdateObstacle(env);
  return platform === 'win32' ? windowsUpdateObstacle(env) : undefined;
}
