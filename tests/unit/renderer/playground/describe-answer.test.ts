import { describe, expect, it } from 'vitest';
import type { ModelView } from '../../../../shared/contract/snapshot.ts';
import type { AnswerTurn } from '../../../../renderer/features/playground/conversation.ts';
import {
  chatObstacle,
  describeCost,
  describeWaiting,
  waysOn,
} from '../../../../renderer/features/playground/describe-answer.ts';
import { imageProblem, MAX_IMAGES } from '../../../../renderer/features/playground/image-input.ts';
import { splitFences } from '../../../../renderer/features/playground/split-fences.ts';

const turn: AnswerTurn = {
  id: 1,
  role: 'assistant',
  model: 'qwen',
  text: '',
  reasoning: '',
  status: { type: 'done' },
  sentAtMs: 1000,
  firstTokenAtMs: 1800,
  lastTokenAtMs: 3800,
  pieceCount: 21,
  usage: undefined,
};

describe('describeCost', () => {
  it('marks what was counted here', () => {
    expect(describeCost(turn)).toBe('≈10 tok/s · first token after 800 ms · ≈21 tokens');
  });

  it('takes what the server tells', () => {
    const usage = { promptTokens: 12, answerTokens: 120, tokensPerSecond: 41.4 };
    expect(describeCost({ ...turn, usage })).toBe('41 tok/s · first token after 800 ms · 12 in, 120 out');
  });

  it('says nothing of what did not come', () => {
    const nothing = { ...turn, firstTokenAtMs: undefined, lastTokenAtMs: undefined, pieceCount: 0 };
    expect(describeCost(nothing)).toBe('');
    expect(describeCost({ ...turn, lastTokenAtMs: 1800, pieceCount: 1 })).toBe('first token after 800 ms · ≈1 token');
  });
});

describe('describeWaiting', () => {
  const model = (part: Partial<ModelView>): ModelView =>
    ({ state: 'off', loadProgress: null, detail: null, waitingRequests: 0, ...part }) as ModelView;
  it.each([
    [model({ state: 'loading', loadProgress: 0.4 }), undefined, 'loading 40 %'],
    [model({ state: 'loading' }), 'starting', 'loading'],
    [model({ state: 'ready', waitingRequests: 2 }), 'queued 2/5', 'queued 2/5'],
    [model({ state: 'ready', waitingRequests: 2 }), undefined, 'queued, 2 waiting'],
    [model({ state: 'ready' }), undefined, 'reads the prompt'],
    [model({ state: 'starting', detail: 'waits for llama-server' }), undefined, 'waits for llama-server'],
    [model({ state: 'off' }), 'waiting for room', 'waiting for room'],
    [undefined, undefined, 'waiting'],
  ])('case %#', (view, comment, expected) => expect(describeWaiting(view, comment)).toBe(expected));
});

it.each([
  [401, 'invalid_api_key', 'key'],
  [503, 'model_failed', 'reset'],
  [503, 'start_failed', 'retry'],
  [404, 'model_not_found', 'other-model'],
  [503, 'engine_missing', 'catalog'],
  [413, 'too_large', 'shorten'],
  [null, null, 'retry'],
  [400, null, 'other-model'],
])('after %s %s the first way on is %s', (status, code, way) => {
  expect(waysOn({ status, code, message: '' })[0]).toBe(way);
});

it('models that make embeddings or rank do not chat', () => {
  const flags = { embeddings: false, rerank: false };
  expect(chatObstacle('language', flags)).toBeUndefined();
  expect(chatObstacle(undefined, flags)).toBeUndefined();
  expect(chatObstacle('embedding', flags)).toContain('/v1/embeddings');
  expect(chatObstacle('language', { ...flags, rerank: true })).toContain('/v1/rerank');
});

describe('splitFences', () => {
  const show = (text: string): string[] =>
    splitFences(text).map((part) => (part.type === 'code' ? `[${part.language}|${part.text}]` : part.text));
  it.each([
    ['no code', ['no code']],
    ['a\n```js\nlet x;\n```\nb', ['a', '[js|let x;]', 'b']],
    ['```\na\n\nb\n```', ['[|a\n\nb]']],
    ['```py\nstill writ', ['[py|still writ]']],
    ['````\n```\ninner\n```\n````', ['[|```\ninner\n```]']],
    ['a ```b``` c', ['a ```b``` c']],
    ['', []],
    ['<b>x</b>', ['<b>x</b>']],
  ])('%j', (text, expected) => expect(show(text)).toEqual(expected));
});

describe('imageProblem', () => {
  const png = { name: 'a.png', type: 'image/png', size: 1000 };
  it('takes pictures of a fair size', () => expect(imageProblem(png, 0)).toBeUndefined());
  it.each([
    [{ ...png, type: 'text/html' }, 0, 'no image'],
    [{ ...png, type: 'image/svg+xml' }, 0, 'no image'],
    [{ ...png, size: 20_000_000 }, 0, '20.0 MB'],
    [png, MAX_IMAGES, 'left out'],
  ])('refuses case %#', (file, count, message) => expect(imageProblem(file, count)).toContain(message));
});
