import { describe, expect, it } from 'vitest';
import {
  decideDebianMirror,
  defaultMirrorUri,
  parseAptSources,
  writeSidSource,
  type AptSourceFile,
} from '../../../electron/engine/runtimes/debian-sources.ts';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

function list(content: string, name = 'sources.list'): AptSourceFile {
  return { name, content };
}

function deb822(content: string, name = 'debian.sources'): AptSourceFile {
  return { name, content };
}

describe('parseAptSources', () => {
  it('reads the one-line style, with options, comments and source packages', () => {
    const content = [
      '# deb cdrom:[Debian GNU/Linux 10 _Buster_]/ buster main',
      'deb [ arch=amd64 signed-by=/etc/apt/keyrings/x.gpg ] https://example.org/debian  buster main contrib # why',
      'deb-src http://deb.debian.org/debian buster main',
      '   deb http://deb.debian.org/debian buster-updates main',
      'deb http://example.org/flat ./',
      '',
    ].join('\n');
    expect(parseAptSources([list(content)])).toEqual([
      {
        fileName: 'sources.list',
        uris: ['https://example.org/debian'],
        suites: ['buster'],
        components: ['main', 'contrib'],
        signedBy: '/etc/apt/keyrings/x.gpg',
      },
      {
        fileName: 'sources.list',
        uris: ['http://deb.debian.org/debian'],
        suites: ['buster-updates'],
        components: ['main'],
        signedBy: undefined,
      },
      {
        fileName: 'sources.list',
        uris: ['http://example.org/flat'],
        suites: ['./'],
        components: [],
        signedBy: undefined,
      },
    ]);
  });

  it('reads the deb822 style, with comments, several values, lists over lines and switched-off sources', () => {
    const content = [
      'Types: deb deb-src',
      '# http://snapshot.debian.org/archive/debian/20250520T000000Z',
      'URIs: http://deb.debian.org/debian http://ftp.de.debian.org/debian',
      'Suites: trixie',
      ' trixie-updates',
      'Components: main non-free-firmware',
      `signed-by: ${keyring}`,
      ' ',
      '',
      'Types: deb',
      'URIs: http://deb.debian.org/debian-security',
      'Suites: trixie-security',
      'Components: main',
      'Enabled: no',
      '',
      'Types: deb-src',
      'URIs: http://deb.debian.org/debian',
      'Suites: trixie',
      'Components: main',
    ].join('\n');
    expect(parseAptSources([deb822(content)])).toEqual([
      {
        fileName: 'debian.sources',
        uris: ['http://deb.debian.org/debian', 'http://ftp.de.debian.org/debian'],
        suites: ['trixie', 'trixie-updates'],
        components: ['main', 'non-free-firmware'],
        signedBy: keyring,
      },
    ]);
  });

  it('keeps a key that stands in the file itself as it is', () => {
    const key = '\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDMEZ\n -----END PGP PUBLIC KEY BLOCK-----';
    const content = `Types: deb\nURIs: http://deb.debian.org/debian\nSuites: sid\nComponents: main\nSigned-By:${key}\n`;
    const mirror = decideDebianMirror(parseAptSources([deb822(content)]));
    expect(mirror.signedBy).toBe(key);
    expect(writeSidSource(mirror, 'amd64', keyring)).toContain(`Signed-By: ${key}\n`);
  });

  it('ignores files that apt ignores', () => {
    const line = 'deb http://deb.debian.org/debian sid main';
    expect(parseAptSources([list(line, 'old.list.save'), list(line, 'README')])).toEqual([]);
  });
});

describe('decideDebianMirror', () => {
  const cases: [name: string, files: readonly AptSourceFile[], uri: string, signedBy?: string][] = [
    [
      'Debian 10, installed from a CD',
      [
        list(`# deb cdrom:[Debian]/ buster main
deb http://ftp.de.debian.org/debian/ buster main
deb http://security.debian.org/debian-security buster/updates main
deb http://ftp.de.debian.org/debian/ buster-updates main`),
      ],
      'http://ftp.de.debian.org/debian/',
    ],
    [
      'Debian 11, security first, third parties with the code name and main',
      [
        list('deb http://security.debian.org/debian-security bullseye-security main'),
        list('deb https://packages.sury.org/php/ bullseye main', 'php.list'),
        list(
          'deb [signed-by=/usr/share/keyrings/tailscale.gpg] https://pkgs.tailscale.com/stable/debian bullseye main',
          't.list',
        ),
        list('deb http://deb.debian.org/debian bullseye main', 'zz.list'),
      ],
      'http://deb.debian.org/debian',
    ],
    [
      'Debian 12, the container image',
      [
        deb822(`Types: deb
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: ${keyring}

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: bookworm-security
Components: main
Signed-By: ${keyring}
`),
      ],
      'http://deb.debian.org/debian',
      keyring,
    ],
    [
      'Debian 13, the cloud image with a list of mirrors',
      [
        deb822(`Types: deb deb-src
URIs: mirror+file:///etc/apt/mirrors/debian.list
Suites: trixie trixie-updates trixie-backports
Components: main

Types: deb deb-src
URIs: mirror+file:///etc/apt/mirrors/debian-security.list
Suites: trixie-security
Components: main
`),
      ],
      'mirror+file:///etc/apt/mirrors/debian.list',
    ],
    [
      'a company mirror, known by its updates suite',
      [
        list(
          'deb [signed-by=/etc/apt/keyrings/docker.gpg] https://download.docker.com/linux/debian trixie stable',
          'docker.list',
        ),
        list(
          'deb http://apt.corp.example/mirror/deb trixie main\ndeb http://apt.corp.example/mirror/deb/ trixie-updates main',
          'z.list',
        ),
      ],
      'http://apt.corp.example/mirror/deb',
    ],
    [
      'unstable on a local mirror',
      [list('deb http://mirror.lan:3142/debian sid main')],
      'http://mirror.lan:3142/debian',
    ],
    [
      'a release that moved to the archive',
      [list('deb http://archive.debian.org/debian stretch main')],
      defaultMirrorUri,
    ],
    [
      'only third parties',
      [list('deb https://packages.gitlab.com/runner/gitlab-runner/debian bookworm main', 'gitlab.list')],
      defaultMirrorUri,
    ],
    [
      'a host that only looks like it',
      [list('deb http://deb.debian.org.evil.example/x sid main', 'x.list')],
      defaultMirrorUri,
    ],
    ['nothing', [], defaultMirrorUri],
  ];

  it.each(cases)('%s', (...[, files, uri, signedBy]) => {
    expect(decideDebianMirror(parseAptSources(files))).toEqual({ uri, signedBy });
  });
});

describe('writeSidSource', () => {
  it('asks for the unstable suite of the mirror and for the index of packages alone', () => {
    expect(writeSidSource({ uri: 'http://m/debian', signedBy: undefined }, 'arm64', keyring)).toBe(
      `Types: deb
URIs: http://m/debian
Suites: sid
Components: main
Architectures: arm64
Targets: Packages
Languages: none
PDiffs: no
Signed-By: ${keyring}
`,
    );
  });

  it('leaves the keys to apt where there is no keyring', () => {
    expect(writeSidSource({ uri: 'http://m/debian', signedBy: undefined }, 'amd64', undefined)).not.toContain(
      'Signed-By',
    );
  });
});
