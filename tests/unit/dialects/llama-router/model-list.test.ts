import { describe, expect, it } from 'vitest';
import { addModels, removeGoneModels } from '../../../../electron/engine/dialects/llama-router/model-list.ts';

const samePath = (path: string): string => path;
const manual = { state: 'manual', samePath } as const;
const found = (path: string, mmproj?: string) => ({ name: path.split('/').at(-1) ?? '', path, mmproj });

describe('models that join a list', () => {
  it('leave everything else as it is written', () => {
    const document = { version: '2.0', future: { key: 1 }, models: [{ name: 'a', path: '/m/a.gguf', note: 'mine' }] };
    const { document: changed, added } = addModels(document, [found('/m/b.gguf')], manual);
    expect(added).toEqual(['b.gguf']);
    expect(changed).toEqual({
      ...document,
      models: [document.models[0], { name: 'b.gguf', path: '/m/b.gguf', state: 'manual', group: '' }],
    });
  });

  it('are not there already by another spelling of their path', () => {
    const document = { models: [{ name: 'a', path: '~/a.gguf' }] };
    const options = { state: 'manual', samePath: (path: string) => path.replace('~', '/home/user') } as const;
    const { document: same, added } = addModels(document, [found('/home/user/a.gguf')], options);
    expect(added).toEqual([]);
    expect(same, 'nothing to write').toBe(document);
  });

  it('get their folder in front where the name is taken', () => {
    const document = { models: [{ name: 'a.gguf', path: '/other/a.gguf' }] };
    const { added } = addModels(document, [found('/x/b/a.gguf'), found('/y/b/a.gguf')], manual);
    expect(added).toEqual(['b-a.gguf', 'y-b-a.gguf'].map((name, index) => (index === 0 ? 'b-a.gguf' : name)));
  });

  it('get a spawn with their projector, else the default one', () => {
    const document = { default_spawn: { command: ['srv', '-c', '1'], health_endpoint: '/up' }, models: [] };
    const { document: changed } = addModels(document, [found('/m/a.gguf', '/m/mmproj-f16.gguf')], manual);
    expect(changed['models']).toMatchObject([
      { spawn: { command: ['srv', '-c', '1', '--mmproj', '/m/mmproj-f16.gguf'], health_endpoint: '/up' } },
    ]);
  });

  it('extend the bare command of older files', () => {
    const { document: changed } = addModels({ default_spawn: ['srv'] }, [found('/m/a.gguf', '/m/p.gguf')], manual);
    expect(changed['models']).toMatchObject([{ spawn: { command: ['srv', '--mmproj', '/m/p.gguf'] } }]);
  });
});

describe('models that leave', () => {
  it('are the automatic ones whose file is gone, never the manual ones', () => {
    const document = {
      models: [
        { name: 'a', path: '/gone/a', state: 'auto' },
        { name: 'b', path: '/here/b', state: 'auto' },
        { name: 'c', path: '/gone/c', state: 'manual' },
        { name: 'd', path: '/gone/d' },
      ],
    };
    const { document: changed, removed } = removeGoneModels(document, (path) => path.startsWith('/gone'));
    expect(removed).toEqual(['a']);
    expect(changed['models']).toEqual(document.models.slice(1));
  });
});
