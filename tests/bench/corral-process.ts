import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import type { Bridge } from '#shared/contract/bridge.ts';
import { createHttpBridge } from '#shared/contract/http-bridge.ts';
import { readInstanceFile } from '../../electron/engine/config/instance-file.ts';
import type { BenchContext } from './bench.ts';
import { startChild } from './child.ts';

export interface CorralUnderTest {
  readonly pid: number;
  readonly address: string;
  readonly port: number;
  readonly token: string;
  readonly bridge: Bridge;
  /** From its spawning to the line that says where it listens. */
  readonly startedWithinMs: number;
  end(): Promise<void>;
}

/**
 * `corral serve` as its users run it: the built program, a configuration file, a data folder of its own, and everything on
 * that is on by default.
 */
export async function startCorral(
  context: Pick<BenchContext, 'programs' | 'corralNodeArgs'>,
  config: Record<string, unknown>,
): Promise<CorralUnderTest> {
  const folder = await mkdtemp(path.join(tmpdir(), 'corral-bench-'));
  const configFile = path.join(folder, 'config.yaml');
  const dataFolder = path.join(folder, 'data');
  await writeFile(configFile, stringify(config));
  const child = await startChild(
    [
      process.execPath,
      ...context.corralNodeArgs,
      context.programs.corralCli,
      ...['serve', '--config', configFile, '--data-dir', dataFolder, '--port', '0'],
    ],
    { ready: /Corral listens on \S+:(\d+)/, env: { HOME: folder, XDG_RUNTIME_DIR: folder } },
  );
  const startedWithinMs = performance.now() - child.spawnedMs;
  const instance = await readInstanceFile(dataFolder);
  if (instance === undefined) throw new Error('Corral listens and has left no instance file.');
  const bridge = createHttpBridge({ address: instance.address, token: instance.token });
  return {
    pid: child.pid,
    address: instance.address,
    token: instance.token,
    port: Number(child.match?.[1]),
    bridge,
    startedWithinMs,
    async end() {
      bridge.close();
      await child.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The port on which Corral runs a model's process. The model must be loaded. */
export async function portOfModel(corral: CorralUnderTest, model: string): Promise<number> {
  const { models } = await corral.bridge.call('get-snapshot', {});
  const port = /:(\d+)$/.exec(models.find(({ id }) => id === model)?.address ?? '')?.[1];
  if (port === undefined) throw new Error(`Model "${model}" listens on no port.`);
  return Number(port);
}
