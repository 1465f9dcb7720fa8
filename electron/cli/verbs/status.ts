import type { Bridge } from '#shared/contract/bridge.ts';
import type { DeviceView } from '#shared/contract/memory.ts';
import type { EngineStatusView, PoolView, Snapshot } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import { formatDuration, formatSize } from '#shared/model/units.ts';
import { displayWidth, printable } from '../printable.ts';
import { writeJson, type VerbContext } from '../terminal.ts';

/** `corral status`. As JSON: `{ instance, engine, counts, pools, memory }`. */
export async function showStatus(bridge: Bridge, { terminal, isJson, signal, wallMs }: VerbContext): Promise<void> {
  const snapshot = await bridge.call('get-snapshot', {}, signal);
  const { instance, engine } = snapshot;
  const counts = countOf(snapshot);
  if (isJson) {
    writeJson(terminal, { instance, engine, counts, pools: snapshot.pools, memory: snapshot.memory });
    return;
  }
  const rows: [string, string][] = [
    ['Address', `${instance.address}  (OpenAI-compatible: ${instance.address}/v1)`],
    ['Process', `pid ${instance.pid}, up ${formatDuration(wallMs() - instance.startedAt)}`],
    ['Configuration', instance.configPath ?? 'none, defaults are used'],
    ...instance.configErrors.map(({ path, message }): [string, string] => ['  error', joinIssue(path, message)]),
    ...instance.configWarnings.map(({ path, message }): [string, string] => ['  warning', joinIssue(path, message)]),
    ['Data folder', instance.dataFolder],
    ['llama-server', describeEngine(engine)],
    [
      'Models',
      `${counts.models}, ${counts.loaded} loaded${instance.maxLoaded === null ? '' : ` (at most ${instance.maxLoaded} at once)`}`,
    ],
    ...snapshot.memory.devices.map((device): [string, string] => [device.id, describeDevice(device)]),
    ...(snapshot.memory.isGameMode ? [['Game mode', 'on: nothing is loaded'] as [string, string]] : []),
    ...snapshot.pools.flatMap(poolRows),
    ['Requests', `${counts.activeRequests} running, ${counts.waitingRequests} waiting`],
  ];
  const width = Math.max(...rows.map(([label]) => displayWidth(label)));
  const heading = `Corral ${instance.version}${instance.isShuttingDown ? ', shutting down' : ''}`;
  terminal.write(`${terminal.paint('bold', printable(heading))}\n`);
  for (const [label, value] of rows) terminal.write(`${label.padEnd(width)}  ${printable(value)}\n`);
}

/** `9.2 GB of 24.0 GB for models, 1.1 GB used by others`. */
function describeDevice({ budgetBytes, usedByOthersBytes, models, isStale }: DeviceView): string {
  const held = models.reduce((sum, { bytes }) => sum + bytes, 0);
  const others = usedByOthersBytes === 0 ? '' : `, ${formatSize(usedByOthersBytes)} used by others`;
  return `${formatSize(held)} of ${formatSize(budgetBytes)} for models${others}${isStale ? ' (an old reading)' : ''}`;
}

function countOf({
  models,
  queue,
}: Snapshot): Record<'models' | 'loaded' | 'activeRequests' | 'waitingRequests', number> {
  return {
    models: models.length,
    loaded: models.filter((model) => isResident(model.state)).length,
    activeRequests: models.reduce((sum, model) => sum + model.activeRequests, 0),
    waitingRequests: queue.length,
  };
}

/** `Pool lab` with its first endpoint, then a line for each of the others. */
function poolRows({ name, endpoints, waitingRequests }: PoolView): [string, string][] {
  const waiting = waitingRequests === 0 ? '' : `, ${waitingRequests} waiting for the pool`;
  return endpoints.map(({ url, health, problem, isResting, activeRequests, concurrency, modelCount }, index) => {
    const state =
      problem === null ? (isResting ? `${health}, left alone for a while` : health) : `${health}: ${problem}`;
    const models = modelCount === null ? '' : `, ${modelCount} ${modelCount === 1 ? 'model' : 'models'}`;
    const limit = concurrency === null ? '' : ` of ${concurrency}`;
    const running = `, ${activeRequests}${limit} running`;
    return [index === 0 ? `Pool ${name}` : '', `${url}  ${state}${models}${running}${index === 0 ? waiting : ''}`];
  });
}

/** The path is empty for what concerns the file as a whole. */
function joinIssue(path: string, message: string): string {
  return path === '' ? message : `${path}: ${message}`;
}

function describeEngine(engine: EngineStatusView): string {
  switch (engine.status) {
    case 'searching':
      return 'being looked for';
    case 'installing': {
      const { step, receivedBytes, totalBytes } = engine;
      if (receivedBytes === undefined) return `being installed: ${step}`;
      const total = totalBytes === undefined ? '' : ` of ${formatSize(totalBytes)}`;
      return `being installed: ${step} (${formatSize(receivedBytes)}${total})`;
    }
    case 'ready': {
      const { executable, id, origin } = engine.build;
      // A build without a name of its own goes by its path.
      return `${executable} (${engineOrigins[origin]}${id === executable ? '' : `, ${id}`})`;
    }
    case 'missing':
      return `missing: ${engine.reason} ${engine.hint}`;
  }
}

const engineOrigins = {
  config: 'from the configuration',
  path: 'from PATH',
  installed: 'installed by Corral',
} as const;
