import { Ollama } from 'ollama';
import { describe, expect, it } from 'vitest';
import { eventually } from '../integration/support/corral.ts';
import { afterThought, objectText, plainSentence, thought, weatherParameters } from './support/client-models.ts';
import { useClientCorral } from './support/use-client-corral.ts';

const run = useClientCorral((corral) => new Ollama({ host: corral.address }));

const hello = [{ role: 'user', content: 'Hello' }];
const weatherTool = {
  type: 'function',
  function: { name: 'get_weather', description: 'The weather of a place', parameters: weatherParameters },
};

describe('the ollama package: chat', () => {
  it('gets an answer with its cost, and again under the names Ollama has for a model', async () => {
    const answer = await run.client.chat({ model: 'plain', messages: hello });
    expect(answer).toMatchObject({
      model: 'plain',
      message: { role: 'assistant', content: plainSentence },
      done: true,
      done_reason: 'stop',
    });
    expect(answer.eval_count).toBeGreaterThan(6);
    expect(answer.prompt_eval_count).toBeGreaterThan(5);
    expect(answer.load_duration).toBeGreaterThan(0);
    expect(answer.total_duration).toBeGreaterThanOrEqual(answer.load_duration + answer.eval_duration);
    expect(new Date(answer.created_at).getTime()).toBeGreaterThan(Date.now() - 60_000);
    for (const model of ['plain:latest', 'barn', 'barn:latest']) {
      const again = await run.client.chat({ model, messages: hello });
      expect(again).toMatchObject({ model, message: { content: plainSentence }, load_duration: 0 });
    }
  });

  it('streams piece by piece, and ends with the cost', async () => {
    const parts = [];
    for await (const part of await run.client.chat({ model: 'plain', messages: hello, stream: true })) parts.push(part);
    expect(parts.map(({ message }) => message.content).join('')).toBe(plainSentence);
    expect(parts.length).toBeGreaterThan(5);
    expect(parts.slice(0, -1).every(({ done }) => !done)).toBe(true);
    const last = parts.at(-1);
    expect(last).toMatchObject({ done: true, done_reason: 'stop', message: { content: '' } });
    expect(last?.eval_count).toBeGreaterThan(6);
    expect(last?.eval_duration).toBeGreaterThan(0);
  });

  it('calls tools with arguments as an object, streamed and not, and takes their answers', async () => {
    const request = { model: 'tools', messages: [{ role: 'user', content: 'Weather?' }], tools: [weatherTool] };
    const { message } = await run.client.chat(request);
    const called = { function: { name: 'get_weather', arguments: { city: 'Paris', days: 3 } } };
    expect(message.tool_calls).toMatchObject([called]);
    expect(message.content).toBe('');

    const streamed = [];
    for await (const part of await run.client.chat({ ...request, stream: true })) streamed.push(part);
    expect(streamed.flatMap((part) => part.message.tool_calls ?? [])).toMatchObject([called]);
    expect(streamed.at(-1)?.done_reason).toBe('stop');

    const answer = { role: 'tool', tool_name: 'get_weather', content: '11 degrees' };
    const after = await run.client.chat({ ...request, messages: [...request.messages, message, answer] });
    expect(after.done).toBe(true);
    expect(after.prompt_eval_count).toBeGreaterThan(200);
  });

  it('thinks aloud, and not where that is not wanted', async () => {
    const answer = await run.client.chat({ model: 'thinking', messages: hello, think: true });
    expect(answer.message.thinking?.trim()).toBe(thought);
    expect(answer.message.content).toBe(afterThought);

    let thoughts = '';
    let said = '';
    for await (const { message } of await run.client.chat({ model: 'thinking', messages: hello, stream: true })) {
      thoughts += message.thinking ?? '';
      said += message.content;
    }
    expect(thoughts.trim()).toBe(thought);
    expect(said).toBe(afterThought);

    const silent = await run.client.chat({ model: 'thinking', messages: hello, think: false });
    expect(silent.message.thinking).toBeUndefined();
  });

  it('answers in the form of a JSON schema, and as any JSON', async () => {
    const schema = {
      type: 'object',
      properties: { color: { type: 'string' }, sure: { type: 'boolean' } },
      required: ['color', 'sure'],
    };
    const formed = await run.client.chat({ model: 'object', messages: hello, format: schema });
    expect(JSON.parse(formed.message.content)).toEqual(JSON.parse(objectText));
    // The barn's sentence is no JSON: what comes out all the same is llama-server's grammar at work.
    const forced = await run.client.chat({
      model: 'plain',
      messages: hello,
      format: { type: 'object', properties: { a: { type: 'boolean' } }, required: ['a'] },
      options: { num_predict: 60 },
    });
    expect(JSON.parse(forced.message.content)).toMatchObject({ a: expect.any(Boolean) as boolean });
    const any = await run.client.chat({ model: 'object', messages: hello, format: 'json' });
    expect(JSON.parse(any.message.content)).toEqual(JSON.parse(objectText));
  });

  it('heeds options, and says what ended the answer', async () => {
    const cut = await run.client.chat({ model: 'plain', messages: hello, options: { num_predict: 2, temperature: 0 } });
    expect(cut).toMatchObject({ message: { content: 'The red' }, done_reason: 'length', eval_count: 2 });
    const stopped = await run.client.chat({ model: 'plain', messages: hello, options: { stop: ['stands'] } });
    expect(stopped).toMatchObject({ message: { content: 'The red barn ' }, done_reason: 'stop' });
  });

  it('frees the slot upstream when it is aborted in the middle of a stream', async () => {
    const stream = await run.client.chat({ model: 'long', messages: hello, stream: true });
    const read = async (): Promise<void> => {
      for await (const { done } of stream) if (!done) stream.abort();
    };
    await expect(read()).rejects.toThrow(/abort/i);
    await run.slotsFreed('long');
    const next = await run.client.chat({ model: 'long', messages: hello, options: { num_predict: 3 } });
    expect(next.message.content).toBe('word1 word2 word3');
  });
});

describe('the ollama package: generate', () => {
  it('puts the prompt into the model’s template, and leaves it as it is with raw', async () => {
    const answer = await run.client.generate({ model: 'plain', prompt: 'Hello', system: 'Be short' });
    expect(answer).toMatchObject({ response: plainSentence, done: true, done_reason: 'stop' });
    const raw = await run.client.generate({ model: 'plain', prompt: 'Hello', raw: true });
    expect(raw).toMatchObject({ response: plainSentence, done: true });
    expect(raw.prompt_eval_count).toBeLessThan(answer.prompt_eval_count);
    let text = '';
    for await (const part of await run.client.generate({ model: 'plain', prompt: 'Hello', raw: true, stream: true })) {
      text += part.response ?? '';
    }
    expect(text).toBe(plainSentence);
  });

  it('is refused where the model cannot fill in', async () => {
    await expect(run.client.generate({ model: 'plain', prompt: 'a', suffix: 'b' })).rejects.toMatchObject({
      status_code: 400,
      message: expect.stringContaining('Infill is not supported') as string,
    });
  });

  it('loads without a prompt, keeps for as long as it is told, and unloads', async () => {
    const loaded = await run.client.generate({ model: 'plain', prompt: '', keep_alive: '10m' });
    expect(loaded).toMatchObject({ response: '', done: true, done_reason: 'load' });
    expect(run.corral.model('plain').state).toBe('ready');
    const { models } = await run.client.ps();
    expect(models).toMatchObject([{ name: 'plain:latest', model: 'plain:latest' }]);
    const leftMs = new Date(models[0]?.expires_at ?? 0).getTime() - Date.now();
    expect(leftMs).toBeGreaterThan(9 * 60_000);
    expect(leftMs).toBeLessThan(11 * 60_000);

    await run.client.generate({ model: 'plain', prompt: 'Hello', keep_alive: -1 });
    expect(new Date((await run.client.ps()).models[0]?.expires_at ?? 0).getFullYear()).toBeGreaterThan(2200);

    const unloaded = await run.client.chat({ model: 'plain', keep_alive: 0 });
    expect(unloaded).toMatchObject({ message: { content: '' }, done_reason: 'unload' });
    await eventually('it is gone', () => run.corral.model('plain').state === 'off');
    expect((await run.client.ps()).models).toEqual([]);
  });

  it('unloads after the answer with keep_alive 0, and not the next time', async () => {
    await run.client.generate({ model: 'plain', prompt: 'Hello', keep_alive: 0 });
    await eventually('it is gone', () => run.corral.model('plain').state === 'off');
    await run.client.generate({ model: 'plain', prompt: 'Hello' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(run.corral.model('plain').state).toBe('ready');
  });
});

describe('the ollama package: embeddings', () => {
  it('embeds one text and several, in their order, and shortens them', async () => {
    const { embeddings, prompt_eval_count: tokens } = await run.client.embed({
      model: 'embedder',
      input: ['one', 'other'],
    });
    expect(embeddings).toHaveLength(2);
    expect(tokens).toBeGreaterThan(6);
    const [first = [], second = []] = embeddings;
    expect(first).toHaveLength(64);
    expect(Math.hypot(...first)).toBeCloseTo(1, 4);
    expect(first).not.toEqual(second);
    const single = await run.client.embed({ model: 'embedder', input: 'other' });
    expect(single.embeddings[0]?.[0]).toBeCloseTo(second[0] ?? 0, 4);
    const short = await run.client.embed({ model: 'embedder', input: 'one', dimensions: 8 });
    expect(short.embeddings[0]).toHaveLength(8);
    expect(Math.hypot(...(short.embeddings[0] ?? []))).toBeCloseTo(1, 4);
  });

  it('embeds as the older route does, without bringing it to length 1', async () => {
    const { embedding } = await run.client.embeddings({ model: 'embedder', prompt: 'one' });
    expect(embedding).toHaveLength(64);
    expect(Math.hypot(...embedding)).not.toBeCloseTo(1, 1);
  });

  it('cuts what is too long, and refuses to where that is asked for', async () => {
    const input = 'abcdefghij'.repeat(300);
    const { embeddings, prompt_eval_count: tokens } = await run.client.embed({
      model: 'embedder',
      input: ['short', input],
    });
    expect(embeddings).toHaveLength(2);
    expect(tokens).toBeGreaterThan(400);
    expect(tokens).toBeLessThan(600);
    await expect(run.client.embed({ model: 'embedder', input, truncate: false })).rejects.toMatchObject({
      status_code: 400,
      message: expect.stringContaining('the input length exceeds the context length') as string,
    });
  });
});

describe('the ollama package: models', () => {
  it('says what is wrong in Ollama’s own way', async () => {
    const missing = { status_code: 404, message: "model 'nobody' not found" };
    await expect(run.client.chat({ model: 'nobody', messages: hello })).rejects.toMatchObject(missing);
    await expect(run.client.chat({ model: 'nobody', messages: hello, stream: true })).rejects.toMatchObject(missing);
    await expect(run.client.show({ model: 'nobody' })).rejects.toMatchObject(missing);
    await expect(
      run.client.chat({ model: 'plain', messages: hello, options: { temperature: 'hot' as never } }),
    ).rejects.toMatchObject({ status_code: 400, message: 'option "temperature" must be of type float32' });
    await expect(
      run.client.generate({ model: 'plain', prompt: 'x', images: [Buffer.from('not an image')] }),
    ).rejects.toMatchObject({ message: expect.stringContaining('image input is not supported') as string });
    await expect(
      run.client.chat({ model: 'plain', messages: [{ role: 'user', content: 'a'.repeat(9000) }] }),
    ).rejects.toMatchObject({
      status_code: 400,
      message: expect.stringContaining('exceeds the available context size') as string,
    });
  });

  it('is told what Corral does not do, and what needs the admin token', async () => {
    await expect(run.client.copy({ source: 'plain', destination: 'b' })).rejects.toMatchObject({ status_code: 501 });
    await expect(run.client.create({ model: 'b', from: 'plain' })).rejects.toMatchObject({ status_code: 501 });
    await expect(run.client.push({ model: 'plain' })).rejects.toMatchObject({ status_code: 501 });
    await expect(run.client.delete({ model: 'plain' })).rejects.toMatchObject({ status_code: 401 });
    await expect(run.client.pull({ model: 'hf.co/some/model' })).rejects.toMatchObject({ status_code: 401 });
    const admin = new Ollama({
      host: run.corral.address,
      headers: { authorization: `Bearer ${run.corral.engine.instanceToken}` },
    });
    await expect(admin.delete({ model: 'plain' })).rejects.toMatchObject({ status_code: 409 });
    await expect(admin.delete({ model: 'nobody' })).rejects.toMatchObject({ status_code: 404 });
    expect((await run.client.list()).models).toHaveLength(6);
  });
});
