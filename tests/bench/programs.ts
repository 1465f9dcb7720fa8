import { execFile } from 'node:child_process';
import { cp, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

/** The processes a bench is made of, each ready to be spawned. */
export interface Programs {
  readonly corralCli: string;
  readonly bareForwarder: string;
  readonly loadGenerator: string;
  /** The command of an upstream; `--port N` and its other flags are appended. */
  readonly upstream: readonly [string, ...string[]];
  /** Which upstream it is, and why if it is not the native one. */
  readonly upstreamNote: string;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
export const resultsFolder = path.join(root, 'test-results', 'bench');
const programsFolder = path.join(resultsFolder, 'programs');

/**
 * Builds Corral (or takes the build that `cliFile` names), and everything around it. Corral runs from a copy, so that a
 * build made meanwhile does not change what is measured.
 */
export async function buildPrograms(cliFile: string | undefined): Promise<Programs> {
  await rm(programsFolder, { recursive: true, force: true });
  await mkdir(programsFolder, { recursive: true });
  if (cliFile === undefined) await promisify(execFile)(process.execPath, [path.join(root, 'build', 'build.js')]);
  const builtFolder = path.dirname(path.resolve(cliFile ?? path.join(root, 'out', 'cli.js')));
  await cp(builtFolder, path.join(programsFolder, 'corral'), { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: [
      'tests/bench/bare-forwarder.ts',
      'tests/bench/load-generator.ts',
      'tests/fixtures/native-upstream/node-upstream.ts',
    ],
    entryNames: '[name]',
    outdir: programsFolder,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  });
  const native = await compileUpstream();
  return {
    corralCli: path.join(programsFolder, 'corral', path.basename(cliFile ?? 'cli.js')),
    bareForwarder: path.join(programsFolder, 'bare-forwarder.js'),
    loadGenerator: path.join(programsFolder, 'load-generator.js'),
    upstream:
      native.executable === undefined
        ? [process.execPath, path.join(programsFolder, 'node-upstream.js')]
        : [native.executable],
    upstreamNote: native.note,
  };
}

async function compileUpstream(): Promise<{ executable: string | undefined; note: string }> {
  if (process.platform !== 'linux') {
    return { executable: undefined, note: 'a Node server (the native one needs Linux)' };
  }
  const executable = path.join(programsFolder, 'native-upstream');
  const source = path.join(root, 'tests', 'fixtures', 'native-upstream', 'upstream.c');
  try {
    await promisify(execFile)('cc', ['-O2', '-o', executable, source]);
    return { executable, note: 'native (C, epoll)' };
  } catch (thrown) {
    const [reason] = (thrown as Error).message.split('\n');
    return { executable: undefined, note: `a Node server (\`cc\` did not compile the native one: ${reason ?? ''})` };
  }
}
