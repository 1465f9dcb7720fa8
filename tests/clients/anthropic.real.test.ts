import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import { afterThought, plainSentence, thought, weatherParameters } from './support/client-models.ts';
import { useClientCorral } from './support/use-client-corral.ts';

const run = useClientCorral((corral) => new Anthropic({ baseURL: corral.address, apiKey: 'any', maxRetries: 0 }));

const messages = [{ role: 'user' as const, content: 'Hello' }];
const request = { model: 'plain', max_tokens: 100, messages };
const tools = [{ name: 'get_weather', description: 'The weather of a place', input_schema: weatherParameters }];

describe('the Anthropic package', () => {
  it('gets an answer with its usage', async () => {
    const answer = await run.client.messages.create({ ...request, system: 'Be short' });
    expect(answer).toMatchObject({ role: 'assistant', stop_reason: 'end_turn' });
    expect(answer.content).toMatchObject([{ type: 'text', text: plainSentence }]);
    expect(answer.usage.output_tokens).toBeGreaterThan(6);
    expect(answer.usage.input_tokens).toBeGreaterThan(5);
    const cut = await run.client.messages.create({ ...request, max_tokens: 2 });
    expect(cut).toMatchObject({ stop_reason: 'max_tokens', content: [{ text: 'The red' }] });
  });

  it('streams', async () => {
    const stream = run.client.messages.stream(request);
    let text = '';
    stream.on('text', (piece) => (text += piece));
    const final = await stream.finalMessage();
    expect(text).toBe(plainSentence);
    expect(final).toMatchObject({ stop_reason: 'end_turn', content: [{ type: 'text', text: plainSentence }] });
  });

  it('calls tools, streamed and not, and takes their answers', async () => {
    const called = { type: 'tool_use', name: 'get_weather', input: { city: 'Paris', days: 3 } };
    for (const choice of ['auto', 'any'] as const) {
      const answer = await run.client.messages.create({
        ...request,
        model: 'tools',
        tools,
        tool_choice: { type: choice },
      });
      expect(answer.stop_reason).toBe('tool_use');
      const call = answer.content.find((block) => block.type === 'tool_use');
      expect(call).toMatchObject(called);
      const after = await run.client.messages.create({
        ...request,
        model: 'tools',
        tools,
        messages: [
          ...messages,
          { role: 'assistant', content: answer.content },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: call?.id ?? '', content: '11 degrees' }] },
        ],
      });
      expect(after.content.length).toBeGreaterThan(0);
    }
    const streamed = await run.client.messages.stream({ ...request, model: 'tools', tools }).finalMessage();
    expect(streamed.content.find((block) => block.type === 'tool_use')).toMatchObject(called);
  });

  it('tells thoughts apart from the answer', async () => {
    const answer = await run.client.messages.create({ ...request, model: 'thinking' });
    expect(answer.content).toMatchObject([
      { type: 'thinking', thinking: expect.stringContaining(thought) as string },
      { type: 'text', text: afterThought },
    ]);
  });

  it('counts tokens', async () => {
    const { input_tokens: short } = await run.client.messages.countTokens({ model: 'plain', messages });
    const longer = [{ role: 'user' as const, content: 'Hello to all of you' }];
    const { input_tokens: long } = await run.client.messages.countTokens({ model: 'plain', messages: longer });
    expect(short).toBeGreaterThan(4);
    expect(long).toBeGreaterThan(short);
  });

  it('frees the slot upstream when it is aborted in the middle of a stream', async () => {
    const stream = run.client.messages.stream({ ...request, model: 'long', max_tokens: 600 });
    stream.on('text', () => stream.abort());
    await expect(stream.finalMessage()).rejects.toBeInstanceOf(Anthropic.APIUserAbortError);
    await run.slotsFreed('long');
  });

  it('throws the errors it knows', async () => {
    const missing = run.client.messages.create({ ...request, model: 'nobody' });
    await expect(missing).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    await expect(missing).rejects.toMatchObject({
      status: 404,
      error: { type: 'error', error: { type: 'not_found_error' } },
    });
    // llama-server's own answer, which calls it an error of its own.
    const bad = run.client.messages.create({ model: 'plain', max_tokens: 10 } as never);
    await expect(bad).rejects.toBeInstanceOf(Anthropic.APIError);
    const none = run.client.messages.create({ max_tokens: 10, messages } as never);
    await expect(none).rejects.toBeInstanceOf(Anthropic.BadRequestError);
    const streamed = run.client.messages.stream({ ...request, model: 'nobody' }).finalMessage();
    await expect(streamed).rejects.toBeInstanceOf(Anthropic.NotFoundError);
  });

  it('lists models', async () => {
    const ids = [];
    for await (const { id } of run.client.models.list()) ids.push(id);
    expect(ids).toContain('plain');
  });
});
