import { describe, expect, it } from 'vitest';
import { rebaseEdits } from '../../../../renderer/features/settings/rebase-edits.ts';

const keys = (...names: string[]) => ({ server: { apiKeys: names.map((name) => ({ name, key: '••••••' })) } });

describe('rebaseEdits', () => {
  it('lets edits follow the key they are about', () => {
    const edit = { path: ['server', 'apiKeys', 1, 'priority'], value: 3 };
    expect(rebaseEdits([edit], keys('a', 'b'), keys('new', 'a', 'b')).edits).toEqual([
      { path: ['server', 'apiKeys', 2, 'priority'], value: 3 },
    ]);
  });

  it('gives up an edit of a key that is gone, rather than change another', () => {
    const edit = { path: ['server', 'apiKeys', 1, 'priority'], value: 3 };
    expect(rebaseEdits([edit], keys('a', 'b'), keys('a', 'c'))).toEqual({ edits: [], lost: [edit] });
  });

  it('keeps added keys behind those that are there', () => {
    const edit = { path: ['server', 'apiKeys', 1], value: { name: 'b', key: 'k' } };
    expect(rebaseEdits([edit], keys('a'), keys('a', 'x')).edits[0]?.path).toEqual(['server', 'apiKeys', 2]);
  });

  it('leaves named settings as they are', () => {
    const edits = [{ path: ['log', 'level'], value: 'debug' }];
    expect(rebaseEdits(edits, keys('a'), {})).toEqual({ edits, lost: [] });
  });
});
