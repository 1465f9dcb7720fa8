import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { SeedAction, SeedCommandLine } from '../command-line.ts';

/** The flags of llama-swap, early and today's, as Go's `flag` package takes them: one dash or two, `-name value` or `-name=value`. */
export const llamaSwapCommandLine: SeedCommandLine = {
  seed: 'llama-swap',
  parse(args, { workFolder }) {
    const read = readFlags(args);
    if (!read.ok) return read.action;
    const { values } = read;
    if (values.get('version') === 'true') {
      return {
        kind: 'step',
        run({ print, version }) {
          print(`version: ${version} (Corral)`);
          return Promise.resolve(0);
        },
      };
    }
    for (const [name, instead] of Object.entries(UNSUPPORTED)) {
      if (values.has(name)) return { kind: 'exit', exitCode: 1, stderr: `-${name}: ${instead}\n` };
    }
    const listen = parseListen(values.get('listen'));
    if (listen === undefined) {
      return { kind: 'exit', exitCode: 1, stderr: `-listen: must be an address such as :8080 or 127.0.0.1:8080\n` };
    }
    return {
      kind: 'serve',
      configFile: resolve(workFolder, values.get('config') ?? 'config.yaml'),
      format: 'llama-swap',
      ...listen,
    };
  },
};

interface Flag {
  readonly name: string;
  readonly isSwitch: boolean;
  readonly help: string;
}

const FLAGS: readonly Flag[] = [
  { name: 'config', isSwitch: false, help: 'config file name (default "config.yaml")' },
  { name: 'config-dir', isSwitch: false, help: 'folder of configuration files' },
  { name: 'listen', isSwitch: false, help: 'listen ip/port (default ":8080")' },
  { name: 'tls-cert-file', isSwitch: false, help: 'TLS certificate file' },
  { name: 'tls-key-file', isSwitch: false, help: 'TLS key file' },
  { name: 'version', isSwitch: true, help: 'show version of build' },
  { name: 'watch-config', isSwitch: true, help: 'reload config when it changes (Corral always does)' },
];

const UNSUPPORTED: Readonly<Record<string, string>> = {
  'config-dir': 'Corral reads one file; put what is in the folder into it',
  'tls-cert-file': 'Corral speaks plain HTTP; put a proxy that speaks TLS in front of it',
  'tls-key-file': 'Corral speaks plain HTTP; put a proxy that speaks TLS in front of it',
};

type ReadFlags =
  | { readonly ok: true; readonly values: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly action: SeedAction };

function readFlags(args: readonly string[]): ReadFlags {
  const values = new Map<string, string>();
  const refuse = (problem: string): ReadFlags => ({
    ok: false,
    action: { kind: 'exit', exitCode: 2, stderr: `${problem}\n${usage()}` },
  });
  for (let index = 0; index < args.length; index += 1) {
    const argument = args[index] ?? '';
    // What follows the first word that is no flag was never looked at.
    if (!argument.startsWith('-') || argument === '-' || argument === '--') break;
    const [, name = '', assigned] = /^--?([^=]*)(?:=([\s\S]*))?$/.exec(argument) ?? [];
    if (name === '' || name.startsWith('-')) return refuse(`bad flag syntax: ${argument}`);
    if (name === 'h' || name === 'help') return { ok: false, action: { kind: 'exit', exitCode: 0, stderr: usage() } };
    const flag = FLAGS.find((each) => each.name === name);
    if (flag === undefined) return refuse(`flag provided but not defined: -${name}`);
    if (flag.isSwitch) {
      const value = assigned ?? 'true';
      if (!/^(1|0|t|f|true|false)$/i.test(value)) {
        return refuse(`invalid boolean value "${value}" for -${name}: parse error`);
      }
      values.set(name, /^(1|t|true)$/i.test(value) ? 'true' : 'false');
      continue;
    }
    const value = assigned ?? args[++index];
    if (value === undefined) return refuse(`flag needs an argument: -${name}`);
    values.set(name, value);
  }
  return { ok: true, values };
}

function usage(): string {
  const lines = FLAGS.map(({ name, isSwitch, help }) => `  -${name}${isSwitch ? '' : ' string'}\n    \t${help}\n`);
  return `Usage of llama-swap:\n${lines.join('')}`;
}

/** Every address of the machine is what the file asks for anyway. Undefined if it is no address. */
function parseListen(written: string | undefined): { host?: string; port?: number } | undefined {
  if (written === undefined) return {};
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(written) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) return undefined;
  const host = bracketed ?? plain ?? '';
  if (bracketed !== undefined && isIP(bracketed) !== 6) return undefined;
  return host === '' || host === '0.0.0.0' ? { port } : { host, port };
}
