/**
 * llama-server from Debian's archive, for machines that run Debian itself: its unstable suite carries current builds
 * for the CPU. They are unpacked together with unstable's own C library into one folder, so they run on every release
 * of Debian, and neither root nor a change to the system is needed.
 */

import { randomUUID } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '#shared/contract/errors.ts';
import { createPrivateApt } from './debian-apt.ts';
import {
  decideLibraryFolders,
  findArchitecture,
  isSharedLibrary,
  keptPrograms,
  llamaPackage,
  needsRunPath,
  type DebianArchitecture,
} from './debian-packages.ts';
import { decideDebianMirror, parseAptSources, writeSidSource, type AptSourceFile } from './debian-sources.ts';
import type { EngineBuild } from './engine-build.ts';
import { createEngineMissingError } from './engine-missing.ts';
import type { EngineSource, InstallOptions } from './engine-source.ts';
import { listInstalledBuilds, markComplete, sweepIncompleteBuilds, workFolderPrefix } from './installed-builds.ts';
import { CommandError, runCommand } from './run-command-posix.ts';

export interface DebianArchiveOptions {
  /** The environment of the commands; proxies come from here and from apt's configuration. */
  readonly env: NodeJS.ProcessEnv;
  readonly osReleaseFile?: string;
  /** apt's configuration folder. */
  readonly aptFolder?: string;
  /** Keyrings of Debian's archive; the first that exists vouches where the machine's sources name none. */
  readonly keyrings?: readonly string[];
}

/** 25 MB and some seconds of work: whoever needs longer is better served by installing llama.cpp himself. */
const installTimeoutMs = 5 * 60_000;
const programName = keptPrograms[0];

/** An engine source for machines whose /etc/os-release says `ID=debian`; its derivatives' mirrors have no such suite. */
export function createDebianArchiveSource(options: DebianArchiveOptions): EngineSource {
  const {
    osReleaseFile = '/etc/os-release',
    aptFolder = '/etc/apt',
    // Renamed to .pgp in Debian 13.
    keyrings = ['/usr/share/keyrings/debian-archive-keyring.pgp', '/usr/share/keyrings/debian-archive-keyring.gpg'],
  } = options;
  const env: NodeJS.ProcessEnv = { ...options.env, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' };
  // An AppImage sets it for its own libraries; with unstable's loader it would mix two C libraries.
  delete env['LD_LIBRARY_PATH'];

  async function detectArchitecture(signal: AbortSignal): Promise<DebianArchitecture | undefined> {
    if (parseOsReleaseId((await readIfPresent(osReleaseFile)) ?? '') !== 'debian') return undefined;
    try {
      const { stdout } = await runCommand('dpkg', ['--print-architecture'], { signal, env });
      await runCommand('apt-get', ['--version'], { signal, env });
      return findArchitecture(stdout.trim());
    } catch (error) {
      // A container that was stripped of its package tools is no machine we can serve.
      if (error instanceof CommandError) return undefined;
      throw error;
    }
  }

  async function install(installOptions: InstallOptions, signal: AbortSignal): Promise<EngineBuild> {
    const architecture = await detectArchitecture(signal);
    if (architecture === undefined) {
      throw new CommandError('this is not a Debian on amd64 or arm64, or it lacks apt-get or dpkg');
    }
    const folder = path.resolve(installOptions.folder);
    await mkdir(folder, { recursive: true });
    await sweepIncompleteBuilds(folder);
    const work = path.join(folder, `${workFolderPrefix}${randomUUID()}`);
    await mkdir(path.join(work, 'apt'), { recursive: true });
    try {
      const apt = await createPrivateApt({
        folder: path.join(work, 'apt'),
        architecture: architecture.name,
        sources: await describeSources(architecture),
        isRoot: process.getuid?.() === 0,
        env,
        signal,
        onDownload: (receivedBytes, totalBytes) =>
          installOptions.onProgress('Downloading llama-server', receivedBytes, totalBytes),
      });
      installOptions.onProgress('Reading the list of packages');
      await apt.update();
      const packages = await apt.resolve();
      const version = packages.find((file) => file.name === llamaPackage)?.version;
      if (version === undefined) throw new CommandError(`the mirror has no package ${llamaPackage}`);
      const id = `debian-${version.replaceAll(/[^A-Za-z0-9.+~-]/g, '-')}-${architecture.name}`;
      const target = path.join(folder, id);
      if (await isInstalled(folder, id, signal)) return toBuild(id, target);

      const archives = await apt.download(packages);
      installOptions.onProgress('Unpacking llama-server');
      const flat = await unpack({ archives, work, target, architecture, signal });
      await rm(target, { recursive: true, force: true });
      await rename(flat, target);
      await finish(target, version, architecture, signal);
      return toBuild(id, target);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }

  async function describeSources(architecture: DebianArchitecture): Promise<string> {
    const mirror = decideDebianMirror(parseAptSources(await readSourceFiles(aptFolder)));
    return writeSidSource(mirror, architecture.name, await findReadable(keyrings));
  }

  /** Runs llama-server where it now lies; only if it does the folder counts as a build. */
  async function finish(
    target: string,
    version: string,
    architecture: DebianArchitecture,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await runCommand(path.join(target, programName), ['--version'], { signal, env });
      await markComplete(target, {
        source: 'debian-archive',
        version,
        installedAtMs: Date.now(),
        executable: programName,
        interpreter: path.join(target, architecture.loader),
      });
    } catch (error) {
      await rm(target, { recursive: true, force: true });
      throw error;
    }
  }

  async function isInstalled(folder: string, id: string, signal: AbortSignal): Promise<boolean> {
    const builds = await listInstalledBuilds(folder);
    if (!builds.some((build) => build.id === id)) return false;
    try {
      await runCommand(path.join(folder, id, programName), ['--version'], { signal, env });
      return true;
    } catch (error) {
      // It was moved or damaged: install it again.
      if (error instanceof CommandError) return false;
      throw error;
    }
  }

  interface UnpackOptions {
    readonly archives: readonly string[];
    readonly work: string;
    /** Where the folder will lie when it is used. */
    readonly target: string;
    readonly architecture: DebianArchitecture;
    readonly signal: AbortSignal;
  }

  /** Unpacks the packages into one flat folder whose programs use the loader and the libraries at `target`. */
  async function unpack({ archives, work, target, architecture, signal }: UnpackOptions): Promise<string> {
    const root = path.join(work, 'root');
    const flat = path.join(work, 'flat');
    await mkdir(root);
    await mkdir(flat);
    for (const archive of archives) await runCommand('dpkg', ['-x', archive, root], { signal, env });

    const ggmlFolder = path.join(root, 'usr/lib', architecture.triplet, 'ggml');
    for (const folder of decideLibraryFolders(architecture, await listIfPresent(ggmlFolder))) {
      for (const name of await listIfPresent(path.join(root, folder))) {
        if (isSharedLibrary(name)) await rename(path.join(root, folder, name), path.join(flat, name));
      }
    }
    for (const name of keptPrograms) await rename(path.join(root, 'usr/bin', name), path.join(flat, name));

    const programs = keptPrograms.map((name) => path.join(flat, name));
    const entries = await readdir(flat, { withFileTypes: true });
    const libraries = entries
      .filter((entry) => entry.isFile() && needsRunPath(entry.name))
      .map((entry) => path.join(flat, entry.name));
    // Unstable's patchelf needs unstable's C library, so its loader is started, which is a program too.
    const patchelf = [
      path.join(flat, architecture.loader),
      '--library-path',
      flat,
      path.join(root, 'usr/bin/patchelf'),
    ];
    const [loader, ...loaderArgs] = patchelf as [string, ...string[]];
    // An RPATH also serves what the libraries load in turn, and goes before LD_LIBRARY_PATH; a RUNPATH does neither.
    const runPath = ['--force-rpath', '--set-rpath', '$ORIGIN'];
    const interpreter = ['--set-interpreter', path.join(target, architecture.loader)];
    await runCommand(loader, [...loaderArgs, ...interpreter, ...runPath, ...programs], { signal, env });
    await runCommand(loader, [...loaderArgs, ...runPath, ...libraries], { signal, env });
    return flat;
  }

  return {
    name: "Debian's archive",
    isAvailable: async (signal) => (await detectArchitecture(signal)) !== undefined,
    async install(installOptions) {
      const deadline = AbortSignal.timeout(installTimeoutMs);
      try {
        return await install(installOptions, AbortSignal.any([installOptions.signal, deadline]));
      } catch (error) {
        installOptions.signal.throwIfAborted();
        if (error instanceof AppError) throw error;
        const message = error instanceof Error ? error.message : String(error);
        throw createEngineMissingError({
          reason: deadline.aborted
            ? `Fetching llama-server from Debian's archive took longer than ${installTimeoutMs / 60_000} minutes.`
            : `llama-server could not be fetched from Debian's archive: ${message.replace(/\.?$/, '.')}`,
          hint:
            'Check the network connection and try again; or, on Debian testing and unstable, run ' +
            '`sudo apt install llama.cpp`; or set `engine.path` to a llama-server of your own.',
          cause: error,
        });
      }
    },
  };
}

/** The `ID` of os-release(5), without quotes; undefined if it has none. */
export function parseOsReleaseId(content: string): string | undefined {
  return /^ID=(["']?)([^"'\n]*)\1\s*$/m.exec(content)?.[2];
}

function toBuild(id: string, folder: string): EngineBuild {
  return { id, executable: path.join(folder, programName), origin: 'installed' };
}

/** sources.list first and then the parts by name, as apt reads them. */
async function readSourceFiles(aptFolder: string): Promise<AptSourceFile[]> {
  const partsFolder = path.join(aptFolder, 'sources.list.d');
  const parts = (await listIfPresent(partsFolder)).toSorted();
  const candidates = [path.join(aptFolder, 'sources.list'), ...parts.map((name) => path.join(partsFolder, name))];
  const files: AptSourceFile[] = [];
  for (const candidate of candidates) {
    const content = await readIfPresent(candidate);
    if (content !== undefined) files.push({ name: path.basename(candidate), content });
  }
  return files;
}

/** Undefined as well for what this account may not read: sources with passwords in them, for one. */
async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES' || code === 'EISDIR') return undefined;
    throw error;
  }
}

async function listIfPresent(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return [];
    throw error;
  }
}

async function findReadable(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) {
    try {
      await access(file);
      return file;
    } catch {
      // The name differs from release to release; try the next.
      continue;
    }
  }
  return undefined;
}
