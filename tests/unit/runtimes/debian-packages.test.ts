import { describe, expect, it } from 'vitest';
import { parseOsReleaseId } from '../../../electron/engine/runtimes/debian-archive.ts';
import {
  decideLibraryFolders,
  findArchitecture,
  isSharedLibrary,
  needsRunPath,
  parsePrintedUris,
  writePretendedStatus,
} from '../../../electron/engine/runtimes/debian-packages.ts';

describe('parsePrintedUris', () => {
  it('reads names, versions without the epoch, and sizes', () => {
    const output = `Reading package lists...
'http://deb.debian.org/debian/pool/main/l/llama.cpp/llama.cpp-tools_0.7.0%2bdfsg-2_amd64.deb' llama.cpp-tools_1%3a0.7.0+dfsg-2_amd64.deb 1642656 SHA256:3007
'http://deb.debian.org/debian/pool/main/g/gcc-16/libstdc%2b%2b6_16.2.0-4_amd64.deb' libstdc++6_16.2.0-4_amd64.deb 822380 MD5Sum:b0
`;
    expect(parsePrintedUris(output)).toEqual([
      { name: 'llama.cpp-tools', version: '0.7.0+dfsg-2', sizeBytes: 1_642_656 },
      { name: 'libstdc++6', version: '16.2.0-4', sizeBytes: 822_380 },
    ]);
  });

  it('has nothing to say about other output', () => {
    expect(parsePrintedUris('E: Unable to locate package llama.cpp-tools\n')).toEqual([]);
  });
});

describe('the choice of files', () => {
  it('knows two architectures', () => {
    expect(findArchitecture('arm64')).toEqual({
      name: 'arm64',
      triplet: 'aarch64-linux-gnu',
      loader: 'ld-linux-aarch64.so.1',
    });
    expect(findArchitecture('amd64')?.triplet).toBe('x86_64-linux-gnu');
    expect(findArchitecture('riscv64')).toBeUndefined();
  });

  it('takes the backends whatever number their interface has', () => {
    expect(decideLibraryFolders(findArchitecture('amd64')!, ['backends1', 'other'])).toEqual([
      'usr/lib/x86_64-linux-gnu',
      'usr/lib/x86_64-linux-gnu/llama',
      'usr/lib/x86_64-linux-gnu/ggml/backends1',
    ]);
  });

  it.each([
    ['libllama.so.0.7.0', true, true],
    ['libggml-cpu-x64.so', true, true],
    ['libmtmd.so.0', true, true],
    ['libc.so.6', true, false],
    ['ld-linux-x86-64.so.2', true, false],
    ['libc.a', false, false],
    ['gconv', false, false],
  ])('%s', (name, isKept, isPatched) => {
    expect([isSharedLibrary(name), needsRunPath(name)]).toEqual([isKept, isPatched]);
  });

  it('pretends that what llama-server runs without is there', () => {
    expect(writePretendedStatus('arm64')).toMatch(
      /^Package: wget\nStatus: install ok installed\nArchitecture: arm64\n/,
    );
  });
});

describe('parseOsReleaseId', () => {
  it.each([
    ['NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="13"\n', 'debian'],
    ['ID="debian"\n', 'debian'],
    ['NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n', 'ubuntu'],
    ['ID_LIKE=debian\n', undefined],
    ['', undefined],
  ])('%j', (content, id) => {
    expect(parseOsReleaseId(content)).toBe(id);
  });
});
