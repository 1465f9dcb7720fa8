import { resolve } from 'node:path';
import type { SeedAction, SeedCommandLine } from '../command-line.ts';

const DEFAULTS: Readonly<Record<string, string>> = { config: 'pools.yaml', listen: '0.0.0.0:9090' };

/** Go listens everywhere where no host is said. */
const EVERYWHERE: ReadonlySet<string> = new Set(['', '0.0.0.0', '::']);

const USAGE = `Usage of llama-model-router:
  -config string
    \tpath to config file (default "pools.yaml")
  -listen string
    \thost and port to listen on (default "0.0.0.0:9090")
`;

/** `./router -config PATH -listen HOST:PORT`, as Go's `flag` package reads it (https://pkg.go.dev/flag, "Command line flag syntax"). */
export const llamaModelRouterCommandLine: SeedCommandLine = {
  seed: 'llama-model-router',
  parse(args, { workFolder }) {
    const values: Record<string, string> = { ...DEFAULTS };
    for (let index = 0; index < args.length; index += 1) {
      const word = args[index] ?? '';
      // The first word that is no flag ends them, as does `--`.
      if (word === '--' || !/^--?[^-]/.test(word)) break;
      const [, name = '', inline] = /^--?([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
      if (name === 'h' || name === 'help') return { kind: 'exit', exitCode: 0, stderr: USAGE };
      if (!Object.hasOwn(DEFAULTS, name)) return refused(`flag provided but not defined: -${name}`);
      const value = inline ?? args[(index += 1)];
      if (value === undefined) return refused(`flag needs an argument: -${name}`);
      values[name] = value;
    }
    const { config = '', listen = '' } = values;
    const place = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(listen);
    const port = Number(place?.[3] ?? Number.NaN);
    if (place === null || port > 65_535) {
      return { kind: 'exit', exitCode: 1, stderr: `listen ${listen}: must be HOST:PORT, such as 0.0.0.0:9090\n` };
    }
    const host = place[1] ?? place[2] ?? '';
    return {
      kind: 'serve',
      configFile: resolve(workFolder, config),
      format: 'llama-model-router',
      // Everywhere is the program's default; with a key in the file Corral does so, too, and without one it says how to.
      ...(EVERYWHERE.has(host) ? {} : { host }),
      port,
    };
  },
};

function refused(problem: string): SeedAction {
  return { kind: 'exit', exitCode: 2, stderr: `${problem}\n${USAGE}` };
}
