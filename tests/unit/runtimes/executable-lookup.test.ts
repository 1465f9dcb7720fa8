import { describe, expect, it } from 'vitest';
import { posixExecutableLookup } from '../../../electron/engine/runtimes/executable-lookup-posix.ts';
import { windowsExecutableLookup } from '../../../electron/engine/runtimes/executable-lookup-windows.ts';

describe('the folders of the PATH', () => {
  it('are the absolute ones, on POSIX', () => {
    expect(posixExecutableLookup.foldersOf('/usr/bin::.:bin:/opt/llama cpp')).toEqual(['/usr/bin', '/opt/llama cpp']);
    expect(posixExecutableLookup.foldersOf('')).toEqual([]);
  });

  it('are the ones with a drive or a share, on Windows', () => {
    const searchPath = 'C:\\Windows;"C:\\Program Files\\llama.cpp";tools;\\tools;\\\\server\\share; D:/x ;';
    expect(windowsExecutableLookup.foldersOf(searchPath)).toEqual([
      'C:\\Windows',
      'C:\\Program Files\\llama.cpp',
      '\\\\server\\share',
      'D:/x',
    ]);
  });
});

it('llama-server has an .exe on Windows', () => {
  expect(windowsExecutableLookup.candidatesIn('C:\\llama')).toEqual(['C:\\llama\\llama-server.exe']);
  expect(posixExecutableLookup.candidatesIn('/opt/llama')).toEqual(['/opt/llama/llama-server']);
});
