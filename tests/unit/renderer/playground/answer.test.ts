import { describe, expect, it } from 'vitest';
import {
  beforeAnswer,
  chatRequestBody,
  isRunning,
  parameterProblem,
  takeLastUserTurn,
  type AnswerTurn,
  type Turn,
} from '../../../../renderer/features/playground/conversation.ts';
import {
  addPiece,
  breakOff,
  finish,
  readFailure,
  stop,
  type StreamPiece,
} from '../../../../renderer/features/playground/read-answer.ts';

const waiting: AnswerTurn = {
  id: 2,
  role: 'assistant',
  model: 'qwen',
  text: '',
  reasoning: '',
  status: { type: 'waiting', comment: undefined },
  sentAtMs: 0,
  firstTokenAtMs: undefined,
  lastTokenAtMs: undefined,
  pieceCount: 0,
  usage: undefined,
};
const user: Turn = { id: 1, role: 'user', text: 'Hello', images: [] };

const data = (value: unknown, atMs = 10): StreamPiece => ({ type: 'data', text: JSON.stringify(value), atMs });
const delta = (content: string, atMs?: number): StreamPiece => data({ choices: [{ delta: { content } }] }, atMs);
const read = (pieces: readonly StreamPiece[], turn = waiting): AnswerTurn => pieces.reduce(addPiece, turn);

describe('addPiece', () => {
  it('gathers text and thought, and when they came', () => {
    const turn = read([
      data({ choices: [{ delta: { role: 'assistant', content: null } }] }, 5),
      data({ choices: [{ delta: { reasoning_content: 'Hm.' } }] }, 100),
      delta('Hel', 200),
      delta('lo', 300),
    ]);
    expect(turn).toMatchObject({
      text: 'Hello',
      reasoning: 'Hm.',
      status: { type: 'streaming' },
      firstTokenAtMs: 100,
      lastTokenAtMs: 300,
      pieceCount: 3,
    });
  });

  it('keeps what Corral says of the wait, until the answer begins', () => {
    const queued = read([{ type: 'comment', text: 'queued 2/5' }]);
    expect(queued.status).toEqual({ type: 'waiting', comment: 'queued 2/5' });
    expect(read([delta('a'), { type: 'comment', text: 'queued 1/5' }], queued).status).toEqual({ type: 'streaming' });
  });

  it('takes counts and speed from the end of the stream', () => {
    const turn = read([
      delta('a'),
      data({
        choices: [{ delta: {}, finish_reason: 'stop' }],
        timings: { prompt_n: 9, predicted_n: 3, predicted_per_second: 41.5 },
      }),
      data({ choices: [], usage: { prompt_tokens: 12, completion_tokens: 3 } }),
      { type: 'data', text: '[DONE]', atMs: 20 },
    ]);
    expect(turn.status).toEqual({ type: 'done' });
    expect(turn.usage).toMatchObject({ promptTokens: 12, answerTokens: 3 });
  });

  it('keeps the speed when counts and timings come apart', () => {
    const turn = read([
      data({ choices: [], timings: { predicted_n: 3, predicted_per_second: 41.5 } }),
      data({ choices: [], usage: { prompt_tokens: 12, completion_tokens: 3 } }),
    ]);
    expect(turn.usage).toEqual({ promptTokens: 12, answerTokens: 3, tokensPerSecond: 41.5 });
  });

  it('says that the limit of tokens cut it off', () => {
    const turn = read([
      delta('a'),
      data({ choices: [{ delta: {}, finish_reason: 'length' }] }),
      { type: 'data', text: '[DONE]', atMs: 20 },
    ]);
    expect(turn.status).toEqual({ type: 'stopped', reason: 'length' });
  });

  it('ends with an error that comes in the stream, and keeps what was there', () => {
    const turn = read([
      delta('Half an '),
      data({ error: { message: 'The model was ejected.', code: 'ejected', type: 'server_error' } }),
      { type: 'data', text: '[DONE]', atMs: 20 },
    ]);
    expect(turn.text).toBe('Half an ');
    expect(turn.status).toEqual({
      type: 'failed',
      failure: { status: null, code: 'ejected', message: 'The model was ejected.' },
    });
  });

  it.each(['no JSON', '[]', '{"choices":"x"}', 'null', '{}'])('skips %s', (text) => {
    const turn = addPiece(read([delta('a')]), { type: 'data', text, atMs: 20 });
    expect(turn).toMatchObject({ text: 'a', pieceCount: 1 });
  });
});

describe('the end of a stream', () => {
  it('is a failure where the answer was not over', () => {
    expect(breakOff(read([delta('a')])).status.type).toBe('failed');
    expect(breakOff(finish(waiting)).status.type).toBe('done');
  });

  it('does not touch how an answer ended already', () => {
    const failed = read([data({ error: { message: 'No.' } })]);
    expect(stop(failed)).toBe(failed);
    expect(finish(failed)).toBe(failed);
    expect(stop(waiting).status).toEqual({ type: 'stopped', reason: 'user' });
  });
});

it.each([
  [{ error: { message: 'No.', code: 'no_room' } }, { code: 'no_room', message: 'No.' }],
  [{ error: { message: 'No.', code: 400 } }, { code: '400', message: 'No.' }],
  [{ error: { message: 'No.', code: null } }, { code: null, message: 'No.' }],
  [{ error: 'No.' }, { code: null, message: 'No.' }],
])('readFailure of %j', (body, expected) => {
  expect(readFailure(body, 503)).toEqual({ status: 503, ...expected });
});

it('readFailure finds none in an answer', () => {
  expect(readFailure({ choices: [] }, 200)).toBeUndefined();
});

describe('chatRequestBody', () => {
  const settings = { systemPrompt: '', temperature: '', topP: '', maxTokens: '' };

  it('sends what was said, and asks for counts', () => {
    const answered = { ...waiting, text: 'Hi.', status: { type: 'done' } } as const;
    expect(chatRequestBody('qwen', [user, answered, { ...user, id: 3, text: 'And?' }], settings)).toEqual({
      model: 'qwen',
      messages: [
        { role: 'user', content: 'Hello' },
        { role: 'assistant', content: 'Hi.' },
        { role: 'user', content: 'And?' },
      ],
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it('leaves out answers that had no text', () => {
    expect(chatRequestBody('qwen', [user, waiting], settings)['messages']).toEqual([
      { role: 'user', content: 'Hello' },
    ]);
  });

  it('sends parameters that were set, and the system prompt first', () => {
    const body = chatRequestBody('qwen', [user], {
      systemPrompt: 'Be brief.',
      temperature: '0.7',
      topP: '0.9',
      maxTokens: '50',
    });
    expect(body).toMatchObject({ temperature: 0.7, top_p: 0.9, max_tokens: 50 });
    expect((body['messages'] as unknown[])[0]).toEqual({ role: 'system', content: 'Be brief.' });
  });

  it('sends images as parts beside the text', () => {
    const url = 'data:image/png;base64,AAAA';
    const [message] = chatRequestBody('qwen', [{ ...user, images: [{ url, name: 'a.png' }] }], settings)[
      'messages'
    ] as { content: unknown }[];
    expect(message?.content).toEqual([
      { type: 'text', text: 'Hello' },
      { type: 'image_url', image_url: { url } },
    ]);
  });
});

describe('turns', () => {
  const turns: Turn[] = [user, { ...waiting, status: { type: 'done' } }, { ...user, id: 3 }, { ...waiting, id: 4 }];

  it('are cut before an answer that is made anew', () => {
    expect(beforeAnswer(turns, 4).map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  it('give back the last message to be edited', () => {
    const taken = takeLastUserTurn(turns);
    expect(taken?.turn.id).toBe(3);
    expect(taken?.before.map(({ id }) => id)).toEqual([1, 2]);
    expect(takeLastUserTurn([])).toBeUndefined();
  });

  it('know whether an answer is on its way', () => {
    expect(isRunning(turns.at(-1))).toBe(true);
    expect(isRunning(turns[1])).toBe(false);
    expect(isRunning(user)).toBe(false);
    expect(isRunning(undefined)).toBe(false);
  });
});

it.each([
  ['temperature', '', true],
  ['temperature', '0', true],
  ['temperature', '-1', false],
  ['temperature', 'warm', false],
  ['topP', '1', true],
  ['topP', '1.1', false],
  ['maxTokens', '100', true],
  ['maxTokens', '0', false],
  ['maxTokens', '1.5', false],
] as const)('%s %j is fine: %s', (name, typed, isFine) => {
  expect(parameterProblem(name, typed) === undefined).toBe(isFine);
});
