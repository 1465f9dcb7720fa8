import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../ports/clock.ts';
import type { SeedAction, SeedCommandLine, StepTools } from '../command-line.ts';
import { statusFilePath } from './status-file.ts';
import { openStatusServer } from './status-server.ts';

const DEFAULT_STATUS_PORT = 8001;

const help = `Usage: corral as routermodel                     the server of config.json (python run.py)
       corral as routermodel status [--port N]   the status server (python -m app.core.status_server)

  --port <port>   where the status server listens on 127.0.0.1 (default: ${DEFAULT_STATUS_PORT})
`;

/** RouterModelCustom's two programs: `run.py`, which has no flags and reads `config.json`, and the status server. */
export const routerModelCommandLine: SeedCommandLine = {
  seed: 'routermodel',
  parse(args, { workFolder }) {
    const [first, ...rest] = args;
    if (first === '-h' || first === '--help') return { kind: 'exit', exitCode: 0, stdout: help };
    if (first === 'status') return parseStatus(rest);
    if (first !== undefined) return refuse(`unrecognized arguments: ${args.join(' ')}`);
    return { kind: 'serve', configFile: resolve(workFolder, 'config.json'), format: 'routermodel' };
  },
};

function parseStatus(args: readonly string[]): SeedAction {
  let written: string | undefined;
  try {
    ({ port: written } = parseArgs({ args: [...args], options: { port: { type: 'string' } }, strict: true }).values);
  } catch (error) {
    return refuse((error as Error).message);
  }
  const port = written === undefined ? DEFAULT_STATUS_PORT : Number(written);
  if (written !== undefined && !(/^\d{1,5}$/.test(written) && port <= 65_535)) {
    return refuse('argument --port: must be a whole number from 0 to 65535');
  }
  return { kind: 'step', run: (tools) => serveStatus(port, tools) };
}

/** Until it is asked to end. */
async function serveStatus(port: number, { dataFolder, signal, print }: StepTools): Promise<number> {
  const server = await openStatusServer({
    port,
    statusFile: statusFilePath(dataFolder),
    clock: systemClock,
    setting: '--port',
  });
  try {
    print(`Status server: http://127.0.0.1:${server.port}/status`);
    await new Promise<void>((resolveWait) => {
      if (signal.aborted) resolveWait();
      else signal.addEventListener('abort', () => resolveWait(), { once: true });
    });
    return 0;
  } finally {
    await server.close();
  }
}

/** As Python's argparse ends. */
function refuse(message: string): SeedAction {
  return { kind: 'exit', exitCode: 2, stderr: `${help}error: ${message}\n` };
}
