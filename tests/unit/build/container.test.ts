import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../../electron/engine/config/load-config.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/** Comments left out, lines that end in a backslash joined. */
function instructionsOf(text: string): Instruction[] {
  return text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
      return { name, rest };
    });
}

const text = read('build/container/Dockerfile');
const instructions = instructionsOf(text);
const lastFrom = instructions.findLastIndex(({ name }) => name === 'FROM');
const image = instructions.slice(lastFrom);
const all = (name: string, from = instructions): string[] =>
  from.filter((each) => each.name === name).map(({ rest }) => rest);

describe('the container', () => {
  it('is built in stages, on the Node that Corral needs', () => {
    expect(all('FROM')).toEqual(['node:20-slim AS build', 'node:20-slim']);
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
    expect(engines.node).toMatch(/>=20/);
  });

  it('takes only what runs into the last stage', () => {
    expect(all('COPY', image).filter((rest) => !rest.startsWith('--from=build'))).toEqual([
      'build/container/config.yaml /etc/corral/config.yaml',
    ]);
    expect(all('RUN').join('\n')).toContain('npm prune --omit=dev');
  });

  it('does not run as root, and owns nothing but its data', () => {
    expect(all('USER', image)).toEqual(['corral']);
    const user = image.findIndex(({ name }) => name === 'USER');
    expect(image.slice(user).filter(({ name }) => name === 'RUN' || name === 'COPY')).toEqual([]);
    expect(all('RUN', image).join('\n')).toMatch(/install -d -m 0700 -o corral -g corral \/data$/m);
  });

  it('has a health check, and ends when it is asked to', () => {
    expect(all('HEALTHCHECK', image).join()).toMatch(/CMD \["corral", "status"/);
    const entry = JSON.parse(all('ENTRYPOINT', image)[0] ?? '[]') as string[];
    expect(entry.slice(0, 5)).toEqual(['tini', '--', 'corral', 'serve', '--host']);
    // The check asks the Corral whose data folder it is.
    expect(all('HEALTHCHECK', image).join()).toContain(`"${entry[entry.indexOf('--data-dir') + 1] ?? '?'}"`);
  });

  it('holds no secret', () => {
    expect(all('ARG')).toEqual([]);
    expect(all('ENV').join('\n')).not.toMatch(/key|token|secret|password/i);
    expect(all('RUN').join('\n')).not.toMatch(/npm_?token|authorization|curl|wget/i);
    const ignored = read('build/container/Dockerfile.dockerignore').split('\n');
    expect(
      ignored.find((line) => line !== '' && !line.startsWith('#')),
      'everything, but for a few',
    ).toBe('*');
    expect(ignored).toContain('**/.env*');
  });

  it('gives the build all that it reads', () => {
    const kept = read('build/container/Dockerfile.dockerignore')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    for (const needed of ['package.json', 'package-lock.json', 'build', 'electron', 'renderer', 'shared']) {
      expect(kept).toContain(needed);
    }
  });

  it('demands a key from the first start on', () => {
    const config = read('build/container/config.yaml');
    const options = {
      text: config,
      filePath: '/etc/corral/config.yaml',
      homeFolder: '/data',
      platform: 'linux' as const,
    };
    const without = parseConfig({ ...options, env: {} });
    expect(without.ok ? [] : without.errors.map((error) => error.message).join()).toContain('CORRAL_API_KEY');
    const given = parseConfig({ ...options, env: { CORRAL_API_KEY: 'k' } });
    expect(given.ok && given.config.server.apiKeys.map(({ key }) => key)).toEqual(['k']);
    expect(parse(config)).toMatchObject({ server: { apiKeys: [{ key: '${env.CORRAL_API_KEY}' }] } });
  });
});

describe('the systemd unit', () => {
  const unit = read('build/linux/corral.service');
  const lines = unit.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const settings = new Map(
    lines.flatMap((line): [string, string][] => {
      const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value ?? '']];
    }),
  );

  it('has nothing but sections and settings, each setting once', () => {
    expect(lines.filter((line) => !/^\w+=/.test(line))).toEqual(['[Unit]', '[Service]', '[Install]']);
    const names = lines.flatMap((line) => /^(\w+)=/.exec(line)?.[1] ?? []);
    expect(names.filter((name, index) => names.indexOf(name) !== index && name !== 'Environment')).toEqual([]);
  });

  it('comes back after a failure, and gives a stop time to end answers and models', () => {
    expect(settings.get('Restart')).toBe('on-failure');
    expect(settings.get('KillMode')).toBe('mixed');
    expect(Number.parseInt(settings.get('TimeoutStopSec') ?? '', 10)).toBeGreaterThan(10 + 10);
  });

  it('is no root, and may write nothing but its own folders', () => {
    expect(settings.get('DynamicUser')).toBe('yes');
    expect(settings.get('ProtectSystem')).toBe('strict');
    expect(settings.get('ExecStart')).toContain(`--data-dir /var/lib/${settings.get('StateDirectory') ?? '?'}`);
    expect([settings.get('NoNewPrivileges'), settings.get('CapabilityBoundingSet')]).toEqual(['yes', '']);
    for (const name of ['ProtectKernelModules', 'ProtectControlGroups', 'RestrictSUIDSGID', 'PrivateTmp']) {
      expect(settings.get(name), name).toBe('yes');
    }
  });

  it('leaves the GPU and the compiler of JavaScript alone, and holds no secret', () => {
    expect(settings.has('PrivateDevices') || settings.has('MemoryDenyWriteExecute')).toBe(false);
    expect([...settings.values()].join('\n')).not.toMatch(/apiKey|token=/i);
  });
});
