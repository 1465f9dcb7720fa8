import { describe, expect, it } from 'vitest';
import {
  capabilitiesOf,
  describeListed,
  describeLoaded,
  describeShown,
  parameterSize,
  taggedName,
  type ListedModel,
} from '../../../electron/engine/ollama/model-listing.ts';
import { modelView } from '../../fakes/views.ts';
import { fileModelConfig } from '../../fakes/model-config.ts';
import { model as metadata } from '../memory/support/metadata.ts';

const listed = (more: Partial<ListedModel> = {}): ListedModel => ({
  config: fileModelConfig('qwen3'),
  view: modelView(),
  metadata: metadata(),
  modifiedAtMs: 0,
  ttlMs: 60_000,
  ...more,
});

it.each([
  ['qwen3', 'qwen3:latest'],
  ['qwen3:8b', 'qwen3:8b'],
  ['a:b/qwen3', 'a:b/qwen3:latest'],
])('%s is called %s', (id, name) => {
  expect(taggedName(id)).toBe(name);
});

it.each([
  [8_030_261_248, '8.0B'],
  [7_000_000_000, '7B'],
  [22_565_376, '22.57M'],
  [137_000_000, '137M'],
  [28_400, '28K'],
  [12, '12'],
])('%d parameters are %s', (count, size) => {
  expect(parameterSize(count)).toBe(size);
});

describe('a model in Ollama’s lists', () => {
  it('has a tag, its size, and what is known of it', () => {
    expect(describeListed(listed())).toEqual({
      name: 'qwen3:latest',
      model: 'qwen3:latest',
      modified_at: '1970-01-01T00:00:00.000Z',
      size: 1024 ** 3,
      digest: 'f',
      details: {
        parent_model: '',
        format: 'gguf',
        family: 'llama',
        families: ['llama'],
        parameter_size: '1B',
        quantization_level: 'Q4_K',
      },
    });
  });

  it('is listed though its file cannot be read', () => {
    const { size, digest, details } = describeListed(listed({ metadata: undefined }));
    expect(size).toBe(0);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(details).toMatchObject({ family: '', families: null });
  });

  it('shows, while it is loaded, what it takes where, and when it goes', () => {
    const view = modelView({
      state: 'ready',
      lastUsedAt: 1_000_000,
      stateSince: 900_000,
      contextSize: 4096,
      reservedBytes: { CUDA0: 700, RAM: 300 },
    });
    const loaded = describeLoaded(listed({ view }), 2_000_000);
    expect(loaded).toMatchObject({ size: 1000, size_vram: 700, context_length: 4096 });
    expect(loaded['expires_at']).toBe(new Date(1_060_000).toISOString());
    const busy = describeLoaded(listed({ view: { ...view, activeRequests: 1 } }), 2_000_000);
    expect(busy['expires_at']).toBe(new Date(2_060_000).toISOString());
  });

  it.each([
    ['is pinned', { isPinned: true }, 60_000],
    ['has no idle time', {}, 0],
  ])('does not go where it %s', (_what, changes, ttlMs) => {
    const loaded = describeLoaded(listed({ view: modelView(changes), ttlMs }), 0);
    expect(new Date(String(loaded['expires_at'])).getUTCFullYear()).toBe(2318);
  });
});

describe('a model that is shown', () => {
  const keys = {
    values: { 'general.architecture': 'llama', 'tokenizer.chat_template': '{% if tools %}', 'general.license': 'mit' },
    lists: { 'llama.pattern': [1, 2] },
    listLengths: { 'llama.pattern': 2, 'tokenizer.ggml.tokens': 32_000 },
  };

  it('tells what stands in its file, and long lists only where they are wanted', () => {
    const shown = describeShown(listed(), keys, false);
    expect(shown).toMatchObject({ license: 'mit', template: '{% if tools %}', capabilities: ['completion', 'tools'] });
    expect(shown['model_info']).toEqual({
      'general.architecture': 'llama',
      'general.license': 'mit',
      'general.parameter_count': 1_000_000_000,
      'llama.pattern': null,
      'tokenizer.ggml.tokens': null,
    });
    expect(describeShown(listed(), keys, true)['model_info']).toMatchObject({
      'llama.pattern': [1, 2],
      'tokenizer.ggml.tokens': null,
    });
  });

  it('tells what the configuration sets, in Ollama’s words, and no folder', () => {
    const config = fileModelConfig('qwen3', {
      file: '/home/user/models/qwen3.gguf',
      contextSize: 8192,
      filters: { strip: [], set: { temperature: 0.7, max_tokens: 100, chat_template_kwargs: {} } },
    });
    const shown = describeShown(listed({ config }), undefined, false);
    expect(String(shown['parameters']).split('\n')).toEqual([
      `${'num_ctx'.padEnd(30)} 8192`,
      `${'temperature'.padEnd(30)} 0.7`,
      `${'num_predict'.padEnd(30)} 100`,
    ]);
    expect(shown['modelfile']).toContain('FROM qwen3.gguf\nPARAMETER num_ctx 8192');
    expect(JSON.stringify(shown)).not.toContain('/home/user');
  });

  it.each<[string, readonly string[]]>([
    ['{{ messages }}', ['completion']],
    ['{% if tools %}<think>{% endif %}', ['completion', 'tools', 'thinking']],
    ['{% if enable_thinking %}', ['completion', 'thinking']],
  ])('can, by its template %s, %j', (template, expected) => {
    const values = { 'tokenizer.chat_template': template };
    expect(capabilitiesOf(fileModelConfig('a'), metadata(), { values, lists: {}, listLengths: {} })).toEqual(expected);
  });

  it('can see with a projector, fill in with the tokens for it, and else embed', () => {
    const values = { 'tokenizer.ggml.fim_pre_token_id': 5 };
    const withProjector = fileModelConfig('a', { mmproj: '/m.gguf' });
    expect(capabilitiesOf(withProjector, metadata(), { values, lists: {}, listLengths: {} })).toEqual([
      'completion',
      'vision',
      'insert',
    ]);
    expect(capabilitiesOf(fileModelConfig('a'), metadata({ kind: 'embedding' }), undefined)).toEqual(['embedding']);
    expect(capabilitiesOf(fileModelConfig('a', { embeddings: true }), undefined, undefined)).toEqual(['embedding']);
  });
});
