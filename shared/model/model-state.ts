import { z } from 'zod';

export const modelStates = [
  'off',
  'starting',
  'loading',
  'ready',
  'draining',
  'stopping',
  'crashed',
  'failed',
] as const;

/**
 * Where a model's process is in its life.
 *
 * - `off`: no process.
 * - `starting`: about to be spawned (waits for llama-server itself, a file check, a port).
 * - `loading`: the process runs and reads its weights.
 * - `ready`: it answers.
 * - `draining`: running requests may finish, no new ones come.
 * - `stopping`: told to end.
 * - `crashed`: it ended without being told to, and may be started again.
 * - `failed`: it ended so often that it is left alone until `reset`.
 */
export type ModelState = (typeof modelStates)[number];

export const modelStateSchema = z.enum(modelStates);

const occupyingStates: ReadonlySet<ModelState> = new Set(['starting', 'loading', 'ready', 'draining', 'stopping']);

/** True while a model holds memory, or is about to. */
export function isResident(state: ModelState): boolean {
  return occupyingStates.has(state);
}
