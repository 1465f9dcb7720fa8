import { describe, expect, it } from 'vitest';
import { tokenLimit } from '../../../electron/engine/ollama/cut-inputs.ts';
import { createEmbeddingAnswer, shorten } from '../../../electron/engine/ollama/embed-request.ts';

function answered(status: number, body: unknown): { status: number | undefined; body: unknown } {
  const answer = createEmbeddingAnswer((embeddings, tokens) => ({ embeddings, tokens }));
  expect(answer.start(status, 'application/json')).toBeUndefined();
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  // In two pieces, as it may come.
  expect(answer.chunk(Buffer.from(text.slice(0, 5))) + answer.chunk(Buffer.from(text.slice(5)))).toBe('');
  const { head, body: said } = answer.end();
  return { status: head?.status, body: JSON.parse(said) };
}

describe('an answer with embeddings', () => {
  it('brings them in the order of the texts', () => {
    const data = [
      { index: 1, embedding: [2] },
      { index: 0, embedding: [1] },
    ];
    expect(answered(200, { data, usage: { prompt_tokens: 9 } })).toEqual({
      status: 200,
      body: { embeddings: [[1], [2]], tokens: 9 },
    });
  });

  it('says that a text was too long in Ollama’s words, and as the client’s mistake', () => {
    const message = 'input (3001 tokens) is too large to process. increase the physical batch size';
    expect(answered(500, { error: { message } })).toEqual({
      status: 400,
      body: { error: `the input length exceeds the context length: ${message}` },
    });
  });

  it('passes on other errors, and takes nonsense for one', () => {
    expect(answered(501, { error: { message: 'no embeddings here' } })).toEqual({
      status: 501,
      body: { error: 'no embeddings here' },
    });
    expect(answered(200, '<html>').status).toBe(502);
    expect(answered(200, { data: 'x' }).status).toBe(502);
  });
});

describe('shorten', () => {
  it('keeps the first dimensions, at length 1', () => {
    expect(shorten([3, 4, 5], 2)).toEqual([0.6, 0.8]);
    expect(shorten([3, 4], 2)).toEqual([3, 4]);
    expect(shorten([3, 4], undefined)).toEqual([3, 4]);
    expect(shorten([0, 0, 1], 2)).toEqual([0, 0]);
  });
});

describe('tokenLimit', () => {
  it.each<[readonly string[] | null, number | null, number | undefined]>([
    [['llama-server'], null, 510],
    [['llama-server'], 128, 126],
    [['llama-server', '--ubatch-size', '2048'], 8192, 2046],
    [['llama-server', '-ub', '2048', '-b', '1024'], 8192, 1022],
    [['llama-server', '-ub', '64', '-ub', '256'], null, 254],
    [['llama-server', '-ub', 'x'], null, 510],
    [null, 128, undefined],
  ])('of %j with %j tokens of context', (commandLine, contextSize, limit) => {
    expect(tokenLimit({ commandLine, contextSize })).toBe(limit);
  });
});
