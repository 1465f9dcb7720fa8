import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatPath as engineFormatPath } from '../../../../electron/engine/config/config-issue.ts';
import { configSchema } from '../../../../electron/engine/config/schema.ts';
import type { SettingsView } from '../../../../shared/contract/settings.ts';
import { groupsOf, modelGroups, sections } from '../../../../renderer/features/settings/field-table.ts';
import { concerns, formatPath, isInactive } from '../../../../renderer/features/settings/setting-path.ts';
import { isOpenSetting } from '../../../../renderer/store/open-settings.ts';
import {
  budgetDevices,
  createFormContext,
  describeField,
  listAllFields,
  otherIssues,
  searchFields,
} from '../../../../renderer/features/settings/settings-form.ts';
import { schemaEntry } from '../../../../renderer/features/settings/settings-schema.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../../../corral.schema.json', import.meta.url), 'utf8'),
) as SettingsView['schema'];

function settingsWith(values: SettingsView['values'], rest: Partial<SettingsView> = {}): SettingsView {
  return {
    filePath: '/home/me/.config/corral/config.yaml',
    exists: true,
    text: '',
    values,
    schema,
    openPaths: null,
    inactivePaths: [],
    lanAddresses: [],
    ...rest,
  };
}

const field = (path: readonly (string | number)[], label = 'Label') => ({ path, label });

describe('the table of fields', () => {
  const all = [
    ...sections.flatMap(({ id }) => groupsOf(id, ['CUDA0'])),
    ...modelGroups('qwen', false),
    ...modelGroups('vllm', true),
  ].flatMap(({ fields }) => fields);

  it('names only settings that the schema has', () => {
    expect(all.filter(({ path }) => schemaEntry(schema, path) === undefined)).toEqual([]);
  });

  it('has every setting of a model and of the defaults', () => {
    const shown = new Set(all.map(({ path }) => path.slice(0, 3).join('.')));
    const properties = (path: string): string[] => {
      const found = path
        .split('/')
        .reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], schema) as Record<string, unknown>;
      return Object.keys(found);
    };
    for (const name of properties('properties/models/additionalProperties/properties')) {
      expect(shown.has(`models.qwen.${name}`) || shown.has(`models.vllm.${name}`), name).toBe(true);
    }
    for (const name of properties('properties/defaults/properties')) {
      expect(
        all.some(({ path }) => path[0] === 'defaults' && path[1] === name),
        name,
      ).toBe(true);
    }
  });
});

describe('schemaEntry', () => {
  it.each([
    [['server', 'port'], 'number'],
    [['server', 'host'], 'text'],
    [['server', 'maxBodyBytes'], 'size'],
    [['server', 'adminToken'], 'secret'],
    [['server', 'apiKeys', 0, 'key'], 'secret'],
    [['server', 'timeouts', 'idle'], 'duration'],
    [['memory', 'reserve'], 'size'],
    [['memory', 'budgets', 'CUDA0'], 'size'],
    [['memory', 'kvCache', 'maxSize'], 'size'],
    [['memory', 'policy'], 'choice'],
    [['memory', 'gameMode', 'automatic'], 'switch'],
    [['models', 'a.b', 'gpuLayers'], 'number-or-word'],
    [['models', 'a', 'aliases'], 'list'],
    [['models', 'a', 'command'], 'command'],
    [['models', 'a', 'env'], 'map'],
    [['models', 'a', 'queue', 'maxWait'], 'duration'],
  ] as const)('%j is a %s', (path, type) => {
    expect(schemaEntry(schema, path)?.kind.type).toBe(type);
  });

  it('knows parameters of any kind from text', () => {
    expect(schemaEntry(schema, ['models', 'a', 'filters', 'set'])?.kind).toEqual({ type: 'map', of: 'json' });
    expect(schemaEntry(schema, ['models', 'a', 'env'])?.kind).toEqual({ type: 'map', of: 'text' });
  });
});

describe('describeField', () => {
  it('shows what holds where nothing is set', () => {
    const context = createFormContext(settingsWith({}), [], []);
    expect(describeField(context, field(['defaults', 'ttl']))).toMatchObject({
      value: undefined,
      placeholder: '30m (default)',
      isChanged: false,
      readOnlyReason: undefined,
    });
  });

  it('says that a model takes its value from the defaults, pending ones included', () => {
    const edits = [{ path: ['defaults', 'ttl'], value: '1h' }];
    const context = createFormContext(settingsWith({ models: { qwen: { file: 'q.gguf' } } }), edits, []);
    expect(describeField(context, field(['models', 'qwen', 'ttl']))?.placeholder).toBe('1h (from Defaults)');
    expect(describeField(context, field(['models', 'qwen', 'stopGrace']))?.placeholder).toBe('10s (from Defaults)');
  });

  it('never holds a secret of the file, and says that there is one', () => {
    const settings = settingsWith({ server: { adminToken: '••••••' } });
    const shown = describeField(createFormContext(settings, [], []), field(['server', 'adminToken']));
    expect(shown).toMatchObject({ value: undefined, hiddenText: 'set, not shown' });
    const edits = [{ path: ['server', 'adminToken'], value: 'mine' }];
    expect(describeField(createFormContext(settings, edits, []), field(['server', 'adminToken']))?.value).toBe('mine');
  });

  it('shows a key that is added here, whole and in parts, as new rather than changed', () => {
    const edits = [{ path: ['server', 'apiKeys', 0], value: { name: 'phone', key: 'sk-1' } }];
    const context = createFormContext(settingsWith({}), edits, []);
    const key = describeField(context, field(['server', 'apiKeys', 0, 'key']));
    expect(key).toMatchObject({ value: 'sk-1', isChanged: false });
    expect(describeField(context, field(['server', 'apiKeys']))?.isChanged).toBe(true);
  });

  it('tells where a secret is kept', () => {
    const settings = settingsWith({ server: { adminToken: '${env.TOKEN}' } });
    const shown = describeField(createFormContext(settings, [], []), field(['server', 'adminToken']));
    expect(shown?.hiddenText).toBe('${env.TOKEN}');
  });

  it('does not let a list be edited that would be written back with a mask in it', () => {
    const settings = settingsWith({
      models: { q: { args: ['--api-key', '••••••'], env: { TOKEN: '••••••' }, aliases: ['a'] } },
    });
    const context = createFormContext(settings, [], []);
    expect(describeField(context, field(['models', 'q', 'args']))?.readOnlyReason).toContain('secret');
    expect(describeField(context, field(['models', 'q', 'env']))?.readOnlyReason).toBeUndefined();
    expect(describeField(context, field(['models', 'q', 'aliases']))?.readOnlyReason).toBeUndefined();
  });

  it('marks what may not be changed from a browser, entries of groups included', () => {
    const settings = settingsWith({}, { openPaths: ['models.*.ttl', 'models.*.filters.set.*'] });
    const context = createFormContext(settings, [], []);
    expect(describeField(context, field(['models', 'q', 'ttl']))?.readOnlyReason).toBeUndefined();
    expect(describeField(context, field(['models', 'q', 'filters', 'set']))?.readOnlyReason).toBeUndefined();
    expect(describeField(context, field(['models', 'q', 'command']))?.readOnlyReason).toContain('over HTTP');
    expect(describeField(context, field(['models', 'q', 'env']))?.readOnlyReason).toContain('over HTTP');
  });

  it('has the issues of its path and of what lies within it', () => {
    const issues = [
      { path: 'models["qwen 2.5"].aliases[0]', message: 'is taken' },
      { path: 'models["qwen 2.5"].aliasesX', message: 'is unknown' },
    ];
    const context = createFormContext(settingsWith({}), [], issues);
    const aliases = field(['models', 'qwen 2.5', 'aliases']);
    expect(describeField(context, aliases)?.issues).toEqual(['is taken']);
    expect(otherIssues(context, [aliases])).toEqual([issues[1]]);
  });

  it('marks what this version does not act on', () => {
    const context = createFormContext(settingsWith({}, { inactivePaths: ['catalog', 'models.*.rpc'] }), [], []);
    expect(describeField(context, field(['catalog', 'folders']))?.isInactive).toBe(true);
    expect(describeField(context, field(['models', 'q', 'rpc']))?.isInactive).toBe(true);
    expect(describeField(context, field(['models', 'q', 'ttl']))?.isInactive).toBe(false);
  });
});

describe('search', () => {
  const context = createFormContext(settingsWith({ models: { qwen: { file: 'q.gguf' } } }), [], []);
  const all = listAllFields(context, ['CUDA0']);

  it('finds by label, path and description, labels first', () => {
    expect(searchFields(all, 'reserve')[0]?.pathText).toBe('memory.reserve');
    expect(searchFields(all, 'qwen ttl').map(({ pathText }) => pathText)).toEqual(['models.qwen.ttl']);
    expect(searchFields(all, 'CUDA0').map(({ pathText }) => pathText)).toContain('memory.budgets.CUDA0');
    expect(searchFields(all, 'loopback').map(({ pathText }) => pathText)).toContain('server.host');
    expect(searchFields(all, '  ')).toEqual([]);
  });
});

describe('paths', () => {
  it.each([
    [['server', 'apiKeys', 0, 'key']],
    [['models', 'qwen 2.5', 'ttl']],
    [['models', 'org/qwen:8b', 'ttl']],
    [['models', 'a"b\\c', 'aliases', 3]],
    [['$schema']],
  ])('%j is written as the engine writes it', (path) => {
    expect(formatPath(path)).toBe(engineFormatPath(path));
  });

  it('matches patterns by whole names', () => {
    expect(isOpenSetting(['models', 'a', 'ttl'], ['models.*.ttl'])).toBe(true);
    expect(isOpenSetting(['models', 'a'], ['models.*.ttl'])).toBe(false);
    expect(isOpenSetting(['models', 'a', 'ttl', 'x'], ['models.*.ttl'])).toBe(false);
    expect(isOpenSetting(['anything'], null)).toBe(true);
    expect(isInactive(['poolsX'], ['pools'])).toBe(false);
    expect(concerns('server.portX', ['server', 'port'])).toBe(false);
  });
});

describe('budgetDevices', () => {
  it('has the devices there are and those that have a budget', () => {
    expect(budgetDevices({ memory: { budgets: { CUDA1: '8GiB' } } }, ['CUDA0', 'RAM'])).toEqual([
      'CUDA0',
      'RAM',
      'CUDA1',
    ]);
  });
});

it('the schema that these tests read is the one of the running version', () => {
  expect(Object.keys(configSchema.shape).sort()).toEqual(Object.keys(schema['properties'] as object).sort());
});
