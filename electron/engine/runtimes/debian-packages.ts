/** What is taken from Debian's archive to run llama-server, and what of it is kept. Pure. */

export interface DebianArchitecture {
  /** dpkg's name. */
  readonly name: string;
  /** The multiarch triplet of the library folder. */
  readonly triplet: string;
  /** glibc's dynamic loader, as it is called in the library folder. */
  readonly loader: string;
}

const architectures: readonly DebianArchitecture[] = [
  { name: 'amd64', triplet: 'x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' },
  { name: 'arm64', triplet: 'aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' },
];

/** By dpkg's name; undefined if Corral does not know the architecture. */
export function findArchitecture(name: string): DebianArchitecture | undefined {
  return architectures.find((architecture) => architecture.name === name);
}

export const llamaPackage = 'llama.cpp-tools';

/** What is asked for; apt adds the libraries they need. */
export const wantedPackages: readonly string[] = [llamaPackage, 'libggml0-backend-rpc', 'patchelf'];

/**
 * The libraries in 2026, for the days when apt cannot resolve the dependencies: in unstable, packages may be
 * uninstallable for a while, and what they contain still runs.
 */
export const knownPackages: readonly string[] = [
  ...wantedPackages,
  'libllama0',
  'libggml0',
  'libc6',
  'libgcc-s1',
  'libstdc++6',
  'libssl3t64',
  'libgomp1',
  'libzstd1',
  'zlib1g',
];

/** Dependencies that llama-server runs without: a downloader of models, configuration of an installed system, old ciphers. */
const unneededPackages: readonly string[] = ['wget', 'debconf', 'openssl-provider-legacy'];

/** The dpkg status of a machine on which nothing is installed but what we do not need, so that apt leaves that out. */
export function writePretendedStatus(architecture: string): string {
  return unneededPackages
    .map((name) =>
      [
        `Package: ${name}`,
        'Status: install ok installed',
        `Architecture: ${architecture}`,
        'Multi-Arch: foreign',
        'Version: 999:0',
        'Maintainer: nobody <nobody@localhost>',
        'Description: pretended to be installed',
        '',
        '',
      ].join('\n'),
    )
    .join('');
}

export interface PackageFile {
  readonly name: string;
  /** Without the epoch. */
  readonly version: string;
  readonly sizeBytes: number;
}

/** Reads what `apt-get --print-uris` prints: `'uri' name_version_arch.deb size hash` a line; other lines are ignored. */
export function parsePrintedUris(output: string): PackageFile[] {
  const files: PackageFile[] = [];
  for (const line of output.split('\n')) {
    const match = /^'[^']*' ([^_\s]+)_([^_\s]+)_[^_\s]+\.deb (\d+)(\s|$)/.exec(line);
    if (match === null) continue;
    const version = (match[2] ?? '').replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    files.push({ name: match[1] ?? '', version: version.replace(/^\d+:/, ''), sizeBytes: Number(match[3]) });
  }
  return files;
}

/** Character conversion tables: a megabyte that llama-server never opens. */
export function isWorthDownloading(file: PackageFile): boolean {
  return file.name !== 'libc-gconv-modules-extra';
}

/** The programs that are kept; the first one has to be there. */
export const keptPrograms = ['llama-server', 'llama-bench', 'llama-quantize'] as const;

/** Folders whose shared libraries are kept, relative to the unpacked root. ggml looks for its backends beside the program. */
export function decideLibraryFolders(architecture: DebianArchitecture, backendFolders: readonly string[]): string[] {
  const libraries = `usr/lib/${architecture.triplet}`;
  return [
    libraries,
    `${libraries}/llama`,
    // `backends0` at present; the number is the version of ggml's binary interface.
    ...backendFolders.filter((name) => /^backends\d*$/.test(name)).map((name) => `${libraries}/ggml/${name}`),
  ];
}

/** Libraries that find others beside themselves; glibc's own must be left as they are. */
export function needsRunPath(fileName: string): boolean {
  return /^lib(llama|ggml|mtmd)[^/]*\.so(\.|$)/.test(fileName);
}

export function isSharedLibrary(fileName: string): boolean {
  return /\.so(\.\d+)*$/.test(fileName);
}
