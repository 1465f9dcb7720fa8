import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { EngineBuild } from './engine-build.ts';
import { createEngineMissingError } from './engine-missing.ts';
import type { ExecutableLookup } from './executable-lookup.ts';
import { posixExecutableLookup } from './executable-lookup-posix.ts';
import { windowsExecutableLookup } from './executable-lookup-windows.ts';
import { listInstalledBuilds, type InstalledBuild } from './installed-builds.ts';

export interface FindEngineOptions {
  /** `engine.path`: `auto`, or the absolute path of llama-server or of the folder it lies in. */
  readonly configuredPath: string;
  /** The PATH of the environment; empty if it has none. */
  readonly searchPath: string;
  readonly installFolder: string;
  readonly platform: NodeJS.Platform;
}

/**
 * Looks for a llama-server: in the configuration, on the PATH, among the builds installed earlier (newest first).
 * Returns undefined if there is none. A configured path is final: if it does not lead to an executable this throws an
 * AppError `engine-missing` that names it.
 */
export async function findEngine(options: FindEngineOptions): Promise<EngineBuild | undefined> {
  if (options.configuredPath !== 'auto') return await findConfigured(options);
  const onPath = await findOnPath(options);
  if (onPath !== undefined) return onPath;
  for (const build of await listInstalledBuilds(options.installFolder)) {
    if (!(await isUsableBuild(build, options))) continue;
    return { id: build.id, executable: path.join(build.folder, build.marker.executable), origin: 'installed' };
  }
  return undefined;
}

/** Throws an AppError `engine-missing` if the configured path does not lead to an executable. */
export async function findConfigured(options: FindEngineOptions): Promise<EngineBuild> {
  const executable = await resolveConfiguredPath(options.configuredPath, lookupOf(options));
  return { id: executable, executable, origin: 'config' };
}

/** The first on the PATH. */
export async function findOnPath(options: FindEngineOptions): Promise<EngineBuild | undefined> {
  const lookup = lookupOf(options);
  for (const folder of lookup.foldersOf(options.searchPath)) {
    const executable = await findInFolder(folder, lookup);
    if (executable !== undefined) return { id: executable, executable, origin: 'path' };
  }
  return undefined;
}

/** Whether what was installed is still whole, and where it was. */
export async function isUsableBuild(build: InstalledBuild, options: FindEngineOptions): Promise<boolean> {
  const lookup = lookupOf(options);
  const { executable, interpreter } = build.marker;
  if (interpreter !== undefined && !(await lookup.canExecute(interpreter))) return false;
  return await lookup.canExecute(path.join(build.folder, executable));
}

function lookupOf({ platform }: FindEngineOptions): ExecutableLookup {
  return platform === 'win32' ? windowsExecutableLookup : posixExecutableLookup;
}

async function resolveConfiguredPath(configuredPath: string, lookup: ExecutableLookup): Promise<string> {
  const refuse = (what: string, cause?: unknown): Error =>
    createEngineMissingError({
      reason: `\`engine.path\` is ${configuredPath}, and ${what}.`,
      hint: 'Set it to a llama-server executable, or to `auto` to let Corral find or fetch one.',
      ...(cause === undefined ? {} : { cause }),
    });
  if (!lookup.isAbsolute(configuredPath)) throw refuse('that is not an absolute path');
  let isFolder: boolean;
  try {
    isFolder = (await stat(configuredPath)).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw refuse('nothing is there', error);
    throw refuse(`it cannot be looked at (${code ?? 'unknown error'})`, error);
  }
  if (isFolder) {
    const executable = await findInFolder(configuredPath, lookup);
    if (executable === undefined) throw refuse('that folder has no llama-server which this account may run');
    return executable;
  }
  if (!(await lookup.canExecute(configuredPath))) throw refuse('this account may not run it, or it is no program');
  return configuredPath;
}

async function findInFolder(folder: string, lookup: ExecutableLookup): Promise<string | undefined> {
  for (const candidate of lookup.candidatesIn(folder)) {
    if (await lookup.canExecute(candidate)) return candidate;
  }
  return undefined;
}
