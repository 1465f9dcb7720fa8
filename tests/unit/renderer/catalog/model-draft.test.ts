import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  checkDraft,
  draftEdits,
  draftYaml,
  emptyDraft,
  isFinished,
  issueField,
  restorableEntry,
} from '../../../../renderer/features/catalog/model-draft.ts';
import { isOpenSetting } from '../../../../renderer/store/open-settings.ts';

const draft = { path: '/models/a.gguf', id: 'a', contextSize: '8192', embeddings: true };

describe('a draft', () => {
  it('becomes one edit a setting, and leaves out what is left to Corral', () => {
    expect(draftEdits(draft)).toEqual([
      { path: ['models', 'a', 'file'], value: '/models/a.gguf' },
      { path: ['models', 'a', 'contextSize'], value: 8192 },
      { path: ['models', 'a', 'embeddings'], value: true },
    ]);
    expect(draftEdits({ ...draft, contextSize: ' ', embeddings: false })).toEqual([
      { path: ['models', 'a', 'file'], value: '/models/a.gguf' },
    ]);
  });

  it.each(['a', 'qwen 2.5: "x"', '123', 'true', 'C:\\models'])('as YAML means the same, with the name %s', (id) => {
    const path = 'C:\\models\\a #1.gguf';
    expect(parse(draftYaml({ ...draft, id, path }))).toEqual({
      models: { [id]: { file: path, contextSize: 8192, embeddings: true } },
    });
  });

  it('is not wrong before it is begun', () => {
    expect(checkDraft(emptyDraft, [])).toEqual({});
    expect(isFinished(emptyDraft)).toBe(false);
    expect(isFinished(draft)).toBe(true);
  });

  it('says at each field what is wrong with it', () => {
    const wrong = checkDraft({ path: '/a.safetensors', id: 'a', contextSize: '8k', embeddings: false }, ['a']);
    expect(Object.keys(wrong)).toEqual(['path', 'id', 'contextSize']);
  });
});

describe('issueField', () => {
  it.each([
    ['models.a.file', 'path'],
    ['models["a.b"].contextSize', 'contextSize'],
    ['models.a.embeddings', 'embeddings'],
    ['models.a', 'id'],
    ['server.port', undefined],
  ])('%s belongs to %s', (path, field) => {
    expect(issueField({ path, message: '' })).toBe(field);
  });
});

describe('restorableEntry', () => {
  it('is the entry as the file has it', () => {
    expect(restorableEntry({ models: { a: { file: '/a.gguf' } } }, 'a')).toEqual({ file: '/a.gguf' });
  });

  it('is nothing where a secret is masked: undoing would write the mask', () => {
    expect(restorableEntry({ models: { a: { file: '/a.gguf', env: { TOKEN: '••••••' } } } }, 'a')).toBeUndefined();
  });

  it.each([null, {}, { models: [] }, { models: { b: {} } }])('is nothing where there is none: %j', (values) => {
    expect(restorableEntry(values, 'a')).toBeUndefined();
  });
});

describe('isOpenSetting', () => {
  it('takes names one by one, dots in them included', () => {
    const openPaths = ['models.*.ttl', 'server.port'];
    expect(isOpenSetting(['models', 'qwen 2.5', 'ttl'], openPaths)).toBe(true);
    expect(isOpenSetting(['models', 'a', 'file'], openPaths)).toBe(false);
    expect(isOpenSetting(['models', 'a'], openPaths)).toBe(false);
    expect(isOpenSetting(['models', 'a', 'file'], null)).toBe(true);
  });
});
