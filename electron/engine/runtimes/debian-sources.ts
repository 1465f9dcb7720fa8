/** Reads the package sources of a Debian machine and finds its mirror of Debian's own archive. Pure. */

/** A file of /etc/apt/sources.list or /etc/apt/sources.list.d. */
export interface AptSourceFile {
  /** Its base name; the ending tells the format. */
  readonly name: string;
  readonly content: string;
}

export interface AptSource {
  readonly fileName: string;
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** A keyring's path, fingerprints, or a key itself (its lines indented as in the file). */
  readonly signedBy: string | undefined;
}

/** Where Debian's archive is fetched from, and what vouches for it. */
export interface DebianMirror {
  readonly uri: string;
  readonly signedBy: string | undefined;
}

/** Debian's content delivery network, for machines whose sources name no mirror that we recognise. */
export const defaultMirrorUri = 'http://deb.debian.org/debian';

/**
 * The enabled binary (`deb`) sources of the files, in their order. Formats: sources.list(5), one-line style for `.list`
 * and deb822 style for `.sources`; files with another ending are ignored, as apt does.
 */
export function parseAptSources(files: readonly AptSourceFile[]): AptSource[] {
  return files.flatMap((file) => {
    if (file.name.endsWith('.sources')) return parseDeb822(file);
    return file.name.endsWith('.list') ? parseOneLine(file) : [];
  });
}

function parseOneLine(file: AptSourceFile): AptSource[] {
  const sources: AptSource[] = [];
  for (const line of file.content.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(.*)$/.exec(line.replace(/#.*/, ''));
    const [uri, suite, ...components] = splitWords(match?.[2] ?? '');
    if (uri === undefined || suite === undefined) continue;
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(match?.[1] ?? '')?.[1];
    sources.push({ fileName: file.name, uris: [uri], suites: [suite], components, signedBy });
  }
  return sources;
}

function parseDeb822(file: AptSourceFile): AptSource[] {
  const sources: AptSource[] = [];
  const lines = file.content.split(/\r?\n/).filter((line) => !line.startsWith('#'));
  for (const paragraph of lines.join('\n').split(/\n[ \t]*(?:\n[ \t]*)*\n/)) {
    const fields = parseFields(paragraph);
    const isEnabled = !/^(no|false|without|off|disable|0)$/i.test(fields.get('enabled')?.trim() ?? '');
    if (!isEnabled || !splitWords(fields.get('types') ?? '').includes('deb')) continue;
    sources.push({
      fileName: file.name,
      uris: splitWords(fields.get('uris') ?? ''),
      suites: splitWords(fields.get('suites') ?? ''),
      components: splitWords(fields.get('components') ?? ''),
      signedBy: fields
        .get('signed-by')
        ?.trimEnd()
        .replace(/^[ \t]+/, ''),
    });
  }
  return sources;
}

/** Field names in lower case; continuation lines keep their indentation. */
function parseFields(paragraph: string): Map<string, string> {
  const fields = new Map<string, string>();
  let name: string | undefined;
  for (const line of paragraph.split('\n')) {
    const match = /^([^\s:]+):(.*)$/.exec(line);
    if (match !== null) {
      name = (match[1] ?? '').toLowerCase();
      fields.set(name, match[2] ?? '');
    } else if (name !== undefined && /^[ \t]/.test(line)) {
      fields.set(name, `${fields.get(name) ?? ''}\n${line}`);
    }
  }
  return fields;
}

function splitWords(value: string): string[] {
  return value.split(/\s+/).filter((word) => word !== '');
}

/**
 * The machine's mirror of Debian's main archive. Suites and components do not tell it from a third party's repository
 * (many use Debian's code names and `main`), so a source also has to have one of the marks of the real thing: a host of
 * debian.org, the release's `-updates` suite at the same address, Debian's keyring, or a place in the file that the
 * installer writes. Returns the default mirror if none has.
 */
export function decideDebianMirror(sources: readonly AptSource[]): DebianMirror {
  for (const source of sources) {
    if (!source.components.includes('main') || !source.suites.some(isBaseSuite)) continue;
    const uri = source.uris.find((candidate) => isFetchable(candidate) && isMarkedDebian(source, candidate, sources));
    if (uri !== undefined) return { uri, signedBy: source.signedBy };
  }
  return { uri: defaultMirrorUri, signedBy: undefined };
}

/** A release itself (`trixie`, `stable`, `sid`) and not one of its side suites (`trixie-security`, `buster/updates`). */
function isBaseSuite(suite: string): boolean {
  return /^[a-z]+$/.test(suite);
}

/** CD-ROMs and local copies have no unstable suite; archive.debian.org and security.debian.org have none either. */
function isFetchable(uri: string): boolean {
  if (!/^(https?|ftp|mirror|mirror\+\w+|tor\+https?|tor\+mirror\+\w+):/.test(uri)) return false;
  return !/^[\w+]+:\/\/(archive|security)\.debian\.org\b/.test(uri);
}

function isMarkedDebian(source: AptSource, uri: string, all: readonly AptSource[]): boolean {
  if (/^[\w+]+:\/\/([^/@]*@)?([a-z0-9-]+\.)*debian\.org(:\d+)?(\/|$)/i.test(uri)) return true;
  if (/\/debian-archive-[^/]*$/.test(source.signedBy ?? '')) return true;
  const hasUpdates = all.some(
    (other) =>
      other.uris.some((candidate) => isSameUri(candidate, uri)) &&
      other.suites.some((suite) => suite.endsWith('-updates')),
  );
  if (hasUpdates) return true;
  const isInstallersFile = source.fileName === 'sources.list' || source.fileName === 'debian.sources';
  return isInstallersFile && source.signedBy === undefined && /\/debian\/?$/.test(uri);
}

function isSameUri(left: string, right: string): boolean {
  return left.replace(/\/+$/, '') === right.replace(/\/+$/, '');
}

/** A deb822 source of the unstable suite of `mirror`: the index of packages and nothing else. */
export function writeSidSource(mirror: DebianMirror, architecture: string, defaultKeyring: string | undefined): string {
  const signedBy = mirror.signedBy ?? defaultKeyring;
  return [
    'Types: deb',
    `URIs: ${mirror.uri}`,
    'Suites: sid',
    'Components: main',
    `Architectures: ${architecture}`,
    'Targets: Packages',
    'Languages: none',
    'PDiffs: no',
    ...(signedBy === undefined ? [] : [`Signed-By: ${signedBy}`]),
    '',
  ].join('\n');
}
