import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findEngine, type FindEngineOptions } from '../../../electron/engine/runtimes/find-engine.ts';
import { listBuilds } from '../../../electron/engine/runtimes/list-builds.ts';
import { markComplete, sweepIncompleteBuilds } from '../../../electron/engine/runtimes/installed-builds.ts';

describe('findEngine', () => {
  let folder: string;
  let options: FindEngineOptions;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'corral-find-'));
    options = {
      configuredPath: 'auto',
      searchPath: '',
      installFolder: path.join(folder, 'engines'),
      platform: 'linux',
    };
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  async function program(relative: string, mode = 0o755): Promise<string> {
    const file = path.join(folder, relative);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, '#!/bin/sh\n');
    await chmod(file, mode);
    return file;
  }

  async function installed(id: string, installedAtMs: number, interpreter?: string): Promise<string> {
    const executable = await program(`engines/${id}/llama-server`);
    await markComplete(path.dirname(executable), {
      source: 'test',
      version: '1',
      installedAtMs,
      executable: 'llama-server',
      ...(interpreter === undefined ? {} : { interpreter }),
    });
    return executable;
  }

  it('lists every build there is, whichever is chosen', async () => {
    expect(await listBuilds(options)).toEqual([]);
    const configured = await program('own/llama-server');
    const onPath = await program('bin/llama-server');
    await program('bin2/llama-server');
    await installed('older', 1);
    await installed('moved', 3, path.join(folder, 'no-loader'));
    const newer = await installed('newer', 2);
    const searchPath = ['bin', 'bin2'].map((name) => path.join(folder, name)).join(':');
    const found = await listBuilds({ ...options, searchPath, configuredPath: configured });
    expect(found.map(({ build }) => `${build.origin} ${build.id}`)).toEqual([
      `config ${configured}`,
      `path ${onPath}`,
      'installed newer',
      'installed older',
    ]);
    expect(found[2]).toMatchObject({ build: { executable: newer }, marker: { installedAtMs: 2 } });
    const same = await listBuilds({ ...options, searchPath, configuredPath: onPath });
    expect(same.map(({ build }) => build.origin)).toEqual(['config', 'installed', 'installed']);
    const wrong = await listBuilds({ ...options, searchPath, configuredPath: path.join(folder, 'nothing') });
    expect(wrong.map(({ build }) => build.origin)).toEqual(['path', 'installed', 'installed']);
  });

  it('finds nothing where nothing is', async () => {
    expect(await findEngine(options)).toBeUndefined();
  });

  it('prefers the configuration to the PATH, and the PATH to what was installed', async () => {
    const configured = await program('own/server');
    const onPath = await program('bin/llama-server');
    const older = await installed('b1', 1);
    expect(await findEngine(options)).toEqual({ id: 'b1', executable: older, origin: 'installed' });
    const newer = await installed('b0', 2);
    expect(await findEngine(options)).toEqual({ id: 'b0', executable: newer, origin: 'installed' });
    const searchPath = `relative::${folder}/missing:${folder}/bin`;
    expect(await findEngine({ ...options, searchPath })).toEqual({ id: onPath, executable: onPath, origin: 'path' });
    expect(await findEngine({ ...options, searchPath, configuredPath: configured })).toEqual({
      id: configured,
      executable: configured,
      origin: 'config',
    });
  });

  it('takes a folder as configuration', async () => {
    const executable = await program('build/bin/llama-server');
    expect(await findEngine({ ...options, configuredPath: path.dirname(executable) })).toMatchObject({ executable });
  });

  it('skips folders and files on the PATH that cannot be run', async () => {
    await mkdir(path.join(folder, 'a/llama-server'), { recursive: true });
    await program('b/llama-server', 0o644);
    expect(await findEngine({ ...options, searchPath: `${folder}/a:${folder}/b` })).toBeUndefined();
  });

  it.each([
    ['missing/llama-server', 'nothing is there'],
    ['plain', 'may not run it'],
    ['empty', 'no llama-server'],
  ])('never looks further than a configured path that is wrong: %s', async (relative, what) => {
    await program('plain', 0o644);
    await mkdir(path.join(folder, 'empty'));
    await program('bin/llama-server');
    const configuredPath = path.join(folder, relative);
    await expect(findEngine({ ...options, configuredPath, searchPath: `${folder}/bin` })).rejects.toMatchObject({
      code: 'engine-missing',
      message: expect.stringMatching(new RegExp(`${configuredPath}.*${what}`)) as string,
    });
  });

  it('refuses a relative path', async () => {
    await expect(findEngine({ ...options, configuredPath: 'bin/llama-server' })).rejects.toThrow(
      'not an absolute path',
    );
  });

  it('passes over builds without a marker, and over those that were moved', async () => {
    await program('engines/crashed/llama-server');
    await installed('moved', 5, path.join(folder, 'elsewhere/ld-linux.so.2'));
    expect(await findEngine(options)).toBeUndefined();
    const loader = await program('ld-linux.so.2');
    const executable = await installed('good', 1, loader);
    expect(await findEngine(options)).toMatchObject({ executable });
  });

  it('has leftovers swept away and complete builds kept', async () => {
    await program('engines/crashed/llama-server');
    await program('engines/.work-1/flat/llama-server');
    await installed('good', 1);
    await sweepIncompleteBuilds(options.installFolder);
    expect(await readdir(options.installFolder)).toEqual(['good']);
  });
});
