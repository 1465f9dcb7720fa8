import { parseArgs } from 'node:util';
import { AppError } from '#shared/contract/errors.ts';

/** What the desktop app was started with. */
export interface LaunchOptions {
  readonly configFile: string | undefined;
  readonly dataDir: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  /** No window until somebody asks for it; how the system starts Corral at login. */
  readonly isHidden: boolean;
}

/**
 * Reads the arguments after the program. Others than ours are let be: Chromium has hundreds. Throws `invalid-request`
 * with what is wrong with one of ours.
 */
export function parseLaunchOptions(args: readonly string[]): LaunchOptions {
  const { values } = parseArgs({
    args: [...args],
    strict: false,
    options: {
      config: { type: 'string' },
      'data-dir': { type: 'string' },
      host: { type: 'string' },
      port: { type: 'string' },
      hidden: { type: 'boolean' },
    },
  });
  const read = (name: 'config' | 'data-dir' | 'host' | 'port'): string | undefined => {
    const value = values[name];
    if (value === undefined) return undefined;
    if (typeof value === 'string' && value !== '') return value;
    throw new AppError('invalid-request', `--${name} needs a value, as in --${name} ${examples[name]}.`);
  };
  const port = read('port');
  if (port !== undefined && (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)) {
    throw new AppError(
      'invalid-request',
      `--port ${port} is not a port; it is a number from 0 (any free one) to 65535.`,
    );
  }
  return {
    configFile: read('config'),
    dataDir: read('data-dir'),
    host: read('host'),
    port: port === undefined ? undefined : Number(port),
    isHidden: values['hidden'] === true,
  };
}

const examples = { config: 'FILE', 'data-dir': 'FOLDER', host: '127.0.0.1', port: '5526' } as const;
