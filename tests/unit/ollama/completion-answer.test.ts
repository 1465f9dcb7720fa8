import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readChatPiece, readNativePiece, readTextPiece } from '../../../electron/engine/ollama/answer-pieces.ts';
import {
  createCompletionAnswer,
  type CompletionAnswerOptions,
} from '../../../electron/engine/ollama/completion-answer.ts';
import { AppError } from '../../../shared/contract/errors.ts';

const facts = { loadWaitMs: 3, elapsedMs: () => 10, wallMs: () => 0 };
const createdAt = '1970-01-01T00:00:00.000Z';

interface Told {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly lines: Record<string, unknown>[];
}

function tell(
  changes: Partial<CompletionAnswerOptions>,
  {
    status = 200,
    contentType = 'text/event-stream',
    chunks,
  }: { status?: number; contentType?: string; chunks: Buffer[] },
): Told {
  const answer = createCompletionAnswer(
    {
      asked: 'a',
      isStreaming: true,
      isThinkingHidden: false,
      ignored: [],
      read: readChatPiece,
      write: (said) => ({ ...said }),
      ...changes,
    },
    facts,
  );
  const early = answer.start(status, contentType);
  let body = chunks.map((chunk) => answer.chunk(chunk)).join('');
  const { head = early, body: rest } = answer.end();
  body += rest;
  if (head === undefined) throw new Error('there is no head');
  const lines = body.split('\n').filter((line) => line !== '');
  return {
    status: head.status,
    headers: head.headers,
    lines: lines.map((line) => JSON.parse(line) as Told['lines'][0]),
  };
}

const events = (...data: unknown[]): Buffer[] =>
  [...data.map((each) => `data: ${JSON.stringify(each)}\n\n`), 'data: [DONE]\n\n'].map((text) => Buffer.from(text));
const delta = (said: unknown, finish: string | null = null): unknown => ({
  choices: [{ delta: said, finish_reason: finish }],
});
const cost = {
  choices: [],
  usage: { prompt_tokens: 30, completion_tokens: 4 },
  timings: { cache_n: 20, prompt_n: 10, prompt_ms: 1.5, predicted_n: 4, predicted_ms: 2.25 },
};
const durations = {
  total_duration: 10_000_000,
  load_duration: 3_000_000,
  prompt_eval_count: 30,
  prompt_eval_duration: 1_500_000,
  eval_count: 4,
  eval_duration: 2_250_000,
};
const said = (text: string, more: object = {}): object => ({ text, thinking: '', toolCalls: [], ...more });

describe('a streamed answer', () => {
  it('becomes a line a piece, and one with the cost', () => {
    const chunks = events(
      delta({ role: 'assistant', content: null }),
      delta({ reasoning_content: 'Hm' }),
      delta({ content: 'Hi' }),
      delta({}, 'stop'),
      cost,
    );
    const { status, headers, lines } = tell({ ignored: ['num_ctx', 'a\r\nb'] }, { chunks });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'application/x-ndjson',
      'x-corral-ignored-options': 'num_ctx',
    });
    const common = { model: 'a', created_at: createdAt };
    expect(lines).toEqual([
      { ...common, ...said('', { thinking: 'Hm' }), done: false },
      { ...common, ...said('Hi'), done: false },
      { ...common, ...said(''), done: true, done_reason: 'stop', ...durations },
    ]);
  });

  it('is put together for a client that does not stream, and hides thoughts where they are not wanted', () => {
    const chunks = events(
      delta({ reasoning_content: 'Hm' }),
      delta({ content: 'Hi' }),
      delta({ content: '!' }, 'length'),
    );
    const { headers, lines } = tell({ isStreaming: false, isThinkingHidden: true }, { chunks });
    expect(headers['content-type']).toContain('application/json');
    expect(lines).toMatchObject([{ ...said('Hi!'), done: true, done_reason: 'length' }]);
  });

  it('may come in pieces of any size, cut within characters too', () => {
    const text = Buffer.concat(
      events(delta({ content: 'Grüße 👋' }), delta({ content: '…' }), delta({}, 'stop'), cost),
    );
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 }), (sizes) => {
        const chunks: Buffer[] = [];
        let at = 0;
        for (const size of sizes) {
          chunks.push(text.subarray(at, at + size));
          at += size;
        }
        chunks.push(text.subarray(at));
        const { lines } = tell({}, { chunks });
        expect(lines.map((line) => line['text'])).toEqual(['Grüße 👋', '…', '']);
        expect(lines.at(-1)).toMatchObject({ done: true, eval_count: 4 });
      }),
    );
  });

  it('brings tool calls as soon as each is whole, with their arguments as objects', () => {
    const call = (index: number, given: string, name?: string): unknown => ({
      tool_calls: [
        { index, ...(name === undefined ? {} : { id: `id${index}` }), function: { name, arguments: given } },
      ],
    });
    const { lines } = tell(
      {},
      {
        chunks: events(
          delta(call(0, '{"a"', 'first')),
          delta(call(0, ':1}')),
          delta(call(1, '', 'second')),
          delta({}, 'tool_calls'),
          cost,
        ),
      },
    );
    expect(lines.map((line) => line['toolCalls'])).toEqual([
      [{ id: 'id0', function: { index: 0, name: 'first', arguments: { a: 1 } } }],
      [{ id: 'id1', function: { index: 1, name: 'second', arguments: {} } }],
      [],
    ]);
    expect(lines.at(-1)?.['done_reason']).toBe('stop');
  });

  it('leaves out a tool call whose arguments were cut off', () => {
    const call = { tool_calls: [{ index: 0, id: 'x', function: { name: 'f', arguments: '{"a":' } }] };
    const { lines } = tell({}, { chunks: events(delta(call), delta({}, 'length')) });
    expect(lines).toMatchObject([{ done: true, done_reason: 'length', toolCalls: [] }]);
  });

  it('ends with the error that the server ends it with', () => {
    const chunks = events(
      delta({ content: 'Hi' }),
      { error: { message: 'out of slots', code: 500 } },
      delta({ content: 'x' }),
    );
    expect(tell({}, { chunks }).lines.slice(1)).toEqual([{ error: 'out of slots' }]);
    expect(tell({ isStreaming: false }, { chunks })).toMatchObject({ status: 500, lines: [{ error: 'out of slots' }] });
  });

  it('carries log probabilities in Ollama’s form', () => {
    const content = [
      { id: 7, token: 'Hi', logprob: -0.5, bytes: [72], top_logprobs: [{ id: 7, token: 'Hi', logprob: -0.5 }] },
    ];
    const piece = { choices: [{ delta: { content: 'Hi' }, logprobs: { content }, finish_reason: null }] };
    const [line] = tell({}, { chunks: events(piece, delta({}, 'stop')) }).lines;
    expect(line?.['logprobs']).toEqual([
      { token: 'Hi', logprob: -0.5, bytes: [72], top_logprobs: [{ token: 'Hi', logprob: -0.5 }] },
    ]);
  });

  it('tells of what Corral ends it with', () => {
    const answer = createCompletionAnswer(
      { asked: 'a', isStreaming: true, isThinkingHidden: false, ignored: [], read: readChatPiece, write: () => ({}) },
      facts,
    );
    expect(answer.error(new AppError('ejected', 'It was ejected.'))).toBe('{"error":"It was ejected."}\n');
  });
});

describe('an answer in one piece', () => {
  const json = (body: unknown): { contentType: string; chunks: Buffer[] } => ({
    contentType: 'application/json',
    chunks: [Buffer.from(JSON.stringify(body))],
  });
  const whole = {
    choices: [{ message: { content: 'Hi', reasoning_content: 'Hm' }, finish_reason: 'stop' }],
    ...{ usage: cost.usage, timings: cost.timings },
  };

  it('becomes one object', () => {
    const { headers, lines } = tell({ isStreaming: false }, json(whole));
    expect(headers['content-type']).toContain('application/json');
    expect(lines).toEqual([
      {
        model: 'a',
        created_at: createdAt,
        ...said('Hi', { thinking: 'Hm' }),
        done: true,
        done_reason: 'stop',
        ...durations,
      },
    ]);
  });

  it('becomes two lines for a client that streams from a server that does not', () => {
    const { headers, lines } = tell({}, json(whole));
    expect(headers['content-type']).toBe('application/x-ndjson');
    expect(lines).toMatchObject([
      { text: 'Hi', done: false },
      { text: '', done: true, eval_count: 4 },
    ]);
  });

  it('is read in the other forms of llama-server too', () => {
    const text = { choices: [{ text: 'Hi', finish_reason: 'length' }], usage: cost.usage, timings: cost.timings };
    expect(tell({ isStreaming: false, read: readTextPiece }, json(text)).lines).toMatchObject([
      { text: 'Hi', done_reason: 'length', eval_count: 4 },
    ]);
    const native = { content: 'Hi', stop: true, stop_type: 'limit', timings: cost.timings };
    expect(tell({ isStreaming: false, read: readNativePiece }, json(native)).lines).toMatchObject([
      { text: 'Hi', done_reason: 'length', prompt_eval_count: 30, eval_count: 4 },
    ]);
  });

  it('measures from here what the server does not tell', () => {
    let nowMs = 0;
    const answer = createCompletionAnswer(
      { asked: 'a', isStreaming: true, isThinkingHidden: false, ignored: [], read: readChatPiece, write: () => ({}) },
      { ...facts, elapsedMs: () => nowMs },
    );
    answer.start(200, 'text/event-stream');
    nowMs = 40;
    answer.chunk(events(delta({ content: 'Hi' }))[0] ?? Buffer.alloc(0));
    nowMs = 100;
    expect(JSON.parse(answer.end().body)).toMatchObject({
      total_duration: 100_000_000,
      prompt_eval_duration: 40_000_000,
      eval_duration: 60_000_000,
    });
  });

  it.each<[string, number, unknown, number, string]>([
    ['llama-server’s error', 400, { error: { message: 'too long', code: 400 } }, 400, 'too long'],
    ['what the model cannot do', 501, { error: { message: 'no infill' } }, 400, 'no infill'],
    ['plain text', 500, undefined, 500, 'it broke'],
  ])('passes on %s as Ollama would', (_what, status, body, expected, message) => {
    const chunks = [Buffer.from(body === undefined ? 'it broke' : JSON.stringify(body))];
    const told = tell({}, { status, contentType: 'application/json', chunks });
    expect(told).toMatchObject({ status: expected, lines: [{ error: message }] });
    expect(told.headers['content-type']).toContain('application/json');
  });

  it('is an error if it is no JSON', () => {
    const told = tell({}, { contentType: 'text/html', chunks: [Buffer.from('<html>')] });
    expect(told.status).toBe(502);
    expect(told.lines).toEqual([{ error: expect.stringContaining('no JSON') as string }]);
  });
});
