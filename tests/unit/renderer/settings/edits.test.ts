import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyEdits,
  dropEdits,
  inverseEdits,
  isEdited,
  putEdit,
  toRequest,
  valueAt,
  type Edits,
  type SettingValues,
} from '../../../../renderer/features/settings/edits.ts';
import { isSecret } from '../../../../renderer/features/settings/settings-schema.ts';

const values: SettingValues = {
  server: {
    port: 5526,
    apiKeys: [
      { name: 'phone', key: '••••••' },
      { name: 'laptop', key: '••••••' },
      { name: 'tv', key: '••••••' },
    ],
  },
  models: { qwen: { file: '/m/qwen.gguf', ttl: '5m' } },
};

/** What the engine does with a list of edits: one after the other. */
function applyInTurn(before: SettingValues, edits: Edits): SettingValues {
  const result = structuredClone(before);
  for (const { path, value } of edits) {
    const parents = path.slice(0, -1);
    const last = path.at(-1)!;
    let target: Record<string | number, unknown> = result;
    parents.forEach((segment, index) => {
      target[segment] ??= typeof path[index + 1] === 'number' ? [] : {};
      target = target[segment] as Record<string | number, unknown>;
    });
    if (value !== undefined) target[last] = value;
    else if (Array.isArray(target)) target.splice(Number(last), 1);
    else Reflect.deleteProperty(target, last);
  }
  return result;
}

describe('putEdit', () => {
  it('keeps one edit a setting, the newest', () => {
    const first = putEdit([], { path: ['server', 'port'], value: 1 }, values);
    expect(putEdit(first, { path: ['server', 'port'], value: 2 }, values)).toEqual([
      { path: ['server', 'port'], value: 2 },
    ]);
  });

  it('forgets an edit that brings back what the file says', () => {
    const first = putEdit([], { path: ['server', 'port'], value: 1 }, values);
    expect(putEdit(first, { path: ['server', 'port'], value: 5526 }, values)).toEqual([]);
  });

  it('forgets the removal of what is not there', () => {
    expect(putEdit([], { path: ['log', 'level'] }, values)).toEqual([]);
  });

  it('changes an entry that is still pending within it', () => {
    const added = putEdit([], { path: ['server', 'apiKeys', 3], value: { name: 'car', key: 'k' } }, values);
    expect(putEdit(added, { path: ['server', 'apiKeys', 3, 'priority'], value: 5 }, values)).toEqual([
      { path: ['server', 'apiKeys', 3], value: { name: 'car', key: 'k', priority: 5 } },
    ]);
  });

  it('overrides what lies under it', () => {
    const inner = putEdit([], { path: ['models', 'qwen', 'ttl'], value: '1m' }, values);
    expect(putEdit(inner, { path: ['models', 'qwen'] }, values)).toEqual([{ path: ['models', 'qwen'] }]);
  });
});

describe('applyEdits', () => {
  it('shows the settings as they would be, with missing groups made', () => {
    const edited = applyEdits(values, [
      { path: ['log', 'level'], value: 'debug' },
      { path: ['models', 'qwen', 'ttl'] },
    ]);
    expect(valueAt(edited, ['log', 'level'])).toBe('debug');
    expect(valueAt(edited, ['models', 'qwen'])).toEqual({ file: '/m/qwen.gguf' });
    expect(valueAt(values, ['models', 'qwen', 'ttl'])).toBe('5m');
  });

  it('keeps the positions of a list from which an entry is removed', () => {
    const edited = applyEdits(values, [{ path: ['server', 'apiKeys', 1] }]);
    expect(valueAt(edited, ['server', 'apiKeys', 1])).toBeNull();
    expect(valueAt(edited, ['server', 'apiKeys', 2, 'name'])).toBe('tv');
  });

  it('takes any name for a name', () => {
    const edited = applyEdits({}, [{ path: ['models', '__proto__', 'ttl'], value: '1m' }]);
    expect(Object.keys(edited['models'] as object)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['ttl']).toBeUndefined();
  });
});

describe('isEdited', () => {
  it('is true of a setting, of what lies under it and of its group', () => {
    const edits: Edits = [{ path: ['models', 'qwen'] }];
    expect(isEdited(edits, ['models', 'qwen', 'ttl'])).toBe(true);
    expect(isEdited(edits, ['models'])).toBe(true);
    expect(isEdited(edits, ['models', 'qwen2'])).toBe(false);
    expect(dropEdits(edits, ['models'])).toEqual([]);
  });
});

describe('toRequest', () => {
  it('removes entries last and from the back, so that every edit means what it meant', () => {
    const edits: Edits = [
      { path: ['server', 'apiKeys', 0] },
      { path: ['server', 'apiKeys', 1, 'priority'], value: 7 },
      { path: ['server', 'apiKeys', 2] },
      { path: ['server', 'apiKeys', 3], value: { name: 'car', key: 'k' } },
    ];
    expect(valueAt(applyInTurn(values, toRequest(edits, values)), ['server', 'apiKeys'])).toEqual([
      { name: 'laptop', key: '••••••', priority: 7 },
      { name: 'car', key: 'k' },
    ]);
  });

  it('closes the gap where an added entry was taken back', () => {
    const edits: Edits = [{ path: ['server', 'apiKeys', 5], value: { name: 'car', key: 'k' } }];
    expect(toRequest(edits, values)[0]?.path).toEqual(['server', 'apiKeys', 3]);
  });
});

describe('inverseEdits', () => {
  it('brings back exactly what was there', () => {
    const settings = ['port', 'host', 'maxBodyBytes'] as const;
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...settings), fc.integer()),
        fc.uniqueArray(fc.tuple(fc.constantFrom(...settings), fc.option(fc.integer(), { nil: undefined })), {
          selector: ([name]) => name,
        }),
        (server, changes) => {
          const before: SettingValues = { server };
          const edits = changes.reduce<Edits>(
            (all, [name, value]) =>
              putEdit(all, { path: ['server', name], ...(value === undefined ? {} : { value }) }, before),
            [],
          );
          const inverse = inverseEdits(edits, before, isSecret);
          expect(applyInTurn(applyInTurn(before, edits), inverse ?? [])).toEqual(before);
        },
      ),
    );
  });

  it('removes added entries and new groups', () => {
    const edits: Edits = [
      { path: ['log', 'level'], value: 'debug' },
      { path: ['server', 'apiKeys', 3], value: { name: 'car', key: 'k' } },
      { path: ['server', 'apiKeys', 4], value: { name: 'van', key: 'l' } },
    ];
    const after = applyInTurn(values, toRequest(edits, values));
    expect(applyInTurn(after, inverseEdits(edits, values, isSecret)!)).toEqual(values);
  });

  it.each([
    [[{ path: ['server', 'apiKeys', 1] }]],
    [[{ path: ['server', 'apiKeys', 1, 'key'], value: 'new' }]],
    [[{ path: ['server', 'apiKeys'] }]],
  ] satisfies [Edits][])('cannot be told where a masked secret would have to be written back: %j', (edits) => {
    expect(inverseEdits(edits, values, isSecret)).toBeUndefined();
  });
});
