import { describe, expect, it } from 'vitest';
import type { CatalogModel } from '#shared/contract/catalog.ts';
import type { SettingsView } from '#shared/contract/settings.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { chatModels, laneNames, lanBaseUrls } from '../../../../renderer/features/connect/connect-facts.ts';

const settings = (host: string | undefined, lanAddresses: string[] = []): SettingsView => ({
  filePath: '/c.yaml',
  exists: true,
  text: '',
  values: { server: host === undefined ? {} : { host } },
  schema: {},
  openPaths: null,
  inactivePaths: [],
  lanAddresses,
});

describe('lanBaseUrls', () => {
  it.each([
    { name: 'loopback', address: 'http://127.0.0.1:5526', view: settings(undefined, ['192.168.1.7']), urls: [] },
    { name: 'localhost', address: 'http://127.0.0.1:5526', view: settings('localhost', ['192.168.1.7']), urls: [] },
    { name: 'IPv6 loopback', address: 'http://[::1]:5526', view: settings('::1', ['192.168.1.7']), urls: [] },
    {
      name: 'all addresses, which are shown as loopback',
      address: 'http://127.0.0.1:5526',
      view: settings('0.0.0.0', ['192.168.1.7', '10.0.0.2']),
      urls: ['http://192.168.1.7:5526/v1', 'http://10.0.0.2:5526/v1'],
    },
    {
      name: 'all IPv6 addresses',
      address: 'http://[::1]:5526',
      view: settings('::', ['192.168.1.7']),
      urls: ['http://192.168.1.7:5526/v1'],
    },
    {
      name: 'one address, given on the command line',
      address: 'http://192.168.1.7:8080',
      view: settings(undefined, ['10.0.0.2']),
      urls: ['http://192.168.1.7:8080/v1'],
    },
    {
      name: 'one IPv6 address',
      address: 'http://[fd00::7]:8080',
      view: settings('fd00::7'),
      urls: ['http://[fd00::7]:8080/v1'],
    },
    { name: 'settings that are not read yet', address: 'http://127.0.0.1:5526', view: undefined, urls: [] },
  ])('of $name', ({ address, view, urls }) => {
    expect(lanBaseUrls(address, view)).toEqual(urls);
  });
});

describe('laneNames', () => {
  it('are in the order of the file, whatever else it holds', () => {
    const apiKeys = [{ name: 'phone', key: '••••••' }, 'nonsense', { name: 'team', key: '••••••' }];
    expect(laneNames({ server: { apiKeys } })).toEqual(['phone', 'team']);
    expect(laneNames({ server: { apiKeys: 'nonsense' } })).toEqual([]);
    expect(laneNames({})).toEqual([]);
    expect(laneNames(null)).toEqual([]);
  });
});

describe('chatModels', () => {
  const model = (id: string, state: ModelView['state'] = 'off') => ({ id, state }) as ModelView;
  const known = (id: string, kind: 'language' | 'embedding'): CatalogModel => ({
    id,
    isDemo: false,
    canDelete: false,
    origin: 'config',
    file: `/${id}.gguf`,
    mmproj: null,
    problem: null,
    metadata: {
      name: null,
      architecture: 'llama',
      kind,
      quantization: 'q4_k',
      fileBytes: 1,
      partCount: 1,
      layerCount: 1,
      trainedContextSize: 1,
    },
  });

  it('begin with what is loaded, and leave out what does something else', () => {
    const models = [model('embed', 'ready'), model('a'), model('b', 'ready')];
    expect(chatModels(models, [known('embed', 'embedding'), known('a', 'language')])).toEqual(['b', 'a']);
  });

  it('are all there is where nothing fits', () => {
    expect(chatModels([model('embed')], [known('embed', 'embedding')])).toEqual(['embed']);
  });
});
