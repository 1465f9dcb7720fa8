/** apt-get with a state of its own: it neither needs root nor touches what the machine has installed. */

import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  isWorthDownloading,
  knownPackages,
  parsePrintedUris,
  wantedPackages,
  writePretendedStatus,
  type PackageFile,
} from './debian-packages.ts';
import { CommandError, runCommand } from './run-command-posix.ts';

export interface PrivateAptOptions {
  /** A folder for everything apt writes; it exists. */
  readonly folder: string;
  readonly architecture: string;
  /** A sources file in deb822 style. */
  readonly sources: string;
  readonly isRoot: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly onDownload: (receivedBytes: number, totalBytes: number) => void;
}

export interface PrivateApt {
  /** Fetches the index of packages. Throws a CommandError. */
  update(): Promise<void>;
  /** What has to be downloaded. Throws a CommandError. */
  resolve(): Promise<PackageFile[]>;
  /** Downloads the packages, verified by apt, and returns the paths of the .deb files. Throws a CommandError. */
  download(packages: readonly PackageFile[]): Promise<string[]>;
}

const progressIntervalMs = 500;

/**
 * The machine's own configuration of apt still applies (proxies, certificates, passwords), except for what would act on
 * the system or on the choice of packages: hooks, pinning, the default release and foreign architectures.
 */
const configuration = `#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear APT::Architectures;
#clear APT::Default-Release;
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
APT::Update::Error-Mode "any";
`;

/** Prepares the folder. Errors of the file system are passed on. */
export async function createPrivateApt(options: PrivateAptOptions): Promise<PrivateApt> {
  const { folder, signal, env } = options;
  const inFolder = (...parts: string[]): string => path.join(folder, ...parts);
  const downloads = inFolder('packages');
  await mkdir(inFolder('lists', 'partial'), { recursive: true });
  await mkdir(inFolder('cache', 'archives', 'partial'), { recursive: true });
  await mkdir(downloads, { recursive: true });
  await writeFile(inFolder('apt.conf'), configuration);
  await writeFile(inFolder('sid.sources'), options.sources);
  await writeFile(inFolder('status'), writePretendedStatus(options.architecture));

  const settings = [
    `Dir::Etc::sourcelist=${inFolder('sid.sources')}`,
    'Dir::Etc::sourceparts=/dev/null',
    'Dir::Etc::preferences=/dev/null',
    'Dir::Etc::preferencesparts=/dev/null',
    `Dir::State=${folder}`,
    `Dir::State::lists=${inFolder('lists')}`,
    `Dir::State::status=${inFolder('status')}`,
    `Dir::Cache=${inFolder('cache')}`,
    `Dir::Cache::archives=${inFolder('cache', 'archives')}`,
    `APT::Architecture=${options.architecture}`,
    // As root apt hands downloads to the account _apt, which may not enter folders below a home.
    ...(options.isRoot ? ['APT::Sandbox::User=root'] : []),
  ];
  const commonArgs = ['-q', '-c', inFolder('apt.conf'), ...settings.flatMap((setting) => ['-o', setting])];
  const aptGet = (...args: string[]): ReturnType<typeof runCommand> =>
    runCommand('apt-get', [...args, ...commonArgs], { signal, env, cwd: downloads });

  return {
    async update() {
      await aptGet('update');
    },
    async resolve() {
      let names = knownPackages;
      try {
        const resolved = await aptGet('install', '--print-uris', '-y', '--no-install-recommends', ...wantedPackages);
        names = parsePrintedUris(resolved.stdout)
          .filter(isWorthDownloading)
          .map((file) => file.name);
      } catch (error) {
        // Unstable has days on which packages do not fit together; then the known list has to do.
        if (!(error instanceof CommandError)) throw error;
      }
      const { stdout } = await aptGet('download', '--print-uris', ...names);
      return parsePrintedUris(stdout);
    },
    async download(packages) {
      const totalBytes = packages.reduce((sum, file) => sum + file.sizeBytes, 0);
      const work = aptGet('download', ...packages.map((file) => file.name));
      const folders = [downloads, inFolder('cache', 'archives', 'partial')];
      await watchFolders(folders, (bytes) => options.onDownload(Math.min(bytes, totalBytes), totalBytes), work);
      const files = await readdir(downloads);
      return files.filter((file) => file.endsWith('.deb')).map((file) => path.join(downloads, file));
    },
  };
}

/** Reports the size of the folders' files twice a second until `work` ends; rejects as `work` does. */
async function watchFolders(
  folders: readonly string[],
  onBytes: (receivedBytes: number) => void,
  work: Promise<unknown>,
): Promise<void> {
  let isOver = false;
  const report = async (): Promise<void> => {
    let bytes = 0;
    for (const folder of folders) bytes += await measureFolder(folder);
    if (!isOver) onBytes(bytes);
  };
  onBytes(0);
  const timer = setInterval(() => void report(), progressIntervalMs);
  try {
    await work;
  } finally {
    isOver = true;
    clearInterval(timer);
  }
}

/** Never rejects: apt renames and removes files meanwhile, and what cannot be measured counts nothing. */
async function measureFolder(folder: string): Promise<number> {
  const [names] = await Promise.allSettled([readdir(folder)]);
  if (names.status === 'rejected') return 0;
  const sizes = await Promise.allSettled(names.value.map(async (name) => (await stat(path.join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + (size.status === 'fulfilled' ? size.value : 0), 0);
}
