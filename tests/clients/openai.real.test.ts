import OpenAI, { APIError } from 'openai';
import { describe, expect, it } from 'vitest';
import { afterThought, objectText, plainSentence, thought, weatherParameters } from './support/client-models.ts';
import { useClientCorral } from './support/use-client-corral.ts';

const run = useClientCorral((corral) => new OpenAI({ baseURL: `${corral.address}/v1`, apiKey: 'any', maxRetries: 0 }));

const messages = [{ role: 'user' as const, content: 'Hello' }];
const tools = [
  {
    type: 'function' as const,
    function: { name: 'get_weather', description: 'The weather of a place', parameters: weatherParameters },
  },
];

describe('the openai package: chat completions', () => {
  it('gets an answer with its usage, under an alias too', async () => {
    for (const model of ['plain', 'barn']) {
      const answer = await run.client.chat.completions.create({ model, messages });
      expect(answer.choices).toMatchObject([{ finish_reason: 'stop', message: { content: plainSentence } }]);
      expect(answer.usage?.completion_tokens).toBeGreaterThan(6);
    }
  });

  it('streams, with the usage at the end', async () => {
    const stream = await run.client.chat.completions.create({
      model: 'plain',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe(plainSentence);
    expect(usage?.total_tokens).toBeGreaterThan(10);
  });

  it('calls tools: by choice, because it must, and streamed; and takes their answers', async () => {
    for (const choice of ['auto', 'required'] as const) {
      const answer = await run.client.chat.completions.create({ model: 'tools', messages, tools, tool_choice: choice });
      const [call] = answer.choices[0]?.message.tool_calls ?? [];
      expect(answer.choices[0]?.finish_reason).toBe('tool_calls');
      if (call?.type !== 'function') throw new Error('no function was called');
      expect(call.function.name).toBe('get_weather');
      expect(JSON.parse(call.function.arguments)).toEqual({ city: 'Paris', days: 3 });
      const after = await run.client.chat.completions.create({
        model: 'tools',
        tools,
        messages: [
          ...messages,
          { role: 'assistant', tool_calls: [call] },
          { role: 'tool', tool_call_id: call.id, content: '11 degrees' },
        ],
      });
      expect(after.choices).toHaveLength(1);
    }
    const runner = run.client.chat.completions.stream({ model: 'tools', messages, tools });
    const final = await runner.finalChatCompletion();
    const [call] = final.choices[0]?.message.tool_calls ?? [];
    expect(call).toMatchObject({ type: 'function', function: { name: 'get_weather' } });
  });

  it('answers in the form of a schema, and thinks apart from that', async () => {
    const answer = await run.client.chat.completions.create({
      model: 'object',
      messages,
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'answer',
          schema: { type: 'object', properties: { color: { type: 'string' }, sure: { type: 'boolean' } } },
        },
      },
    });
    expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toEqual(JSON.parse(objectText));
    const { choices } = await run.client.chat.completions.create({ model: 'thinking', messages });
    expect(choices[0]?.message).toMatchObject({ content: afterThought, reasoning_content: `${thought}\n` });
  });

  it('frees the slot upstream when it is aborted in the middle of a stream', async () => {
    const stream = await run.client.chat.completions.create({ model: 'long', messages, stream: true });
    for await (const { choices } of stream) {
      if (choices[0]?.finish_reason !== 'stop') stream.controller.abort();
    }
    await run.slotsFreed('long');
    const { data } = await run.client.models.list();
    expect(data.length).toBeGreaterThan(0);
  });
});

describe('the openai package: everything else', () => {
  it('completes, embeds and lists', async () => {
    const completion = await run.client.completions.create({ model: 'plain', prompt: 'Hello', max_tokens: 2 });
    expect(completion.choices).toMatchObject([{ text: 'The red', finish_reason: 'length' }]);

    const { data, usage } = await run.client.embeddings.create({ model: 'embedder', input: ['one', 'other'] });
    expect(data.map(({ index }) => index)).toEqual([0, 1]);
    // The client asks for base64 and takes it apart; the numbers of one text have length 1.
    expect(Math.hypot(...(data[0]?.embedding ?? []))).toBeCloseTo(1, 4);
    expect(usage.prompt_tokens).toBeGreaterThan(6);

    const models = [];
    for await (const model of run.client.models.list()) models.push(model.id);
    expect(models.sort()).toEqual(['embedder', 'long', 'object', 'plain', 'thinking', 'tools']);
    expect(await run.client.models.retrieve('plain')).toMatchObject({ id: 'plain', object: 'model' });
  });

  it('uses the Responses API, streamed and with tools', async () => {
    const answer = await run.client.responses.create({ model: 'plain', input: 'Hello' });
    expect(answer.output_text).toBe(plainSentence);
    expect(answer.status).toBe('completed');
    expect(answer.usage?.output_tokens).toBeGreaterThan(6);

    let text = '';
    let isCompleted = false;
    for await (const event of await run.client.responses.create({ model: 'plain', input: 'Hello', stream: true })) {
      if (event.type === 'response.output_text.delta') text += event.delta;
      if (event.type === 'response.completed') isCompleted = true;
    }
    expect(text).toBe(plainSentence);
    expect(isCompleted).toBe(true);

    const called = await run.client.responses.create({
      model: 'tools',
      input: 'Weather?',
      tools: [{ type: 'function', name: 'get_weather', parameters: weatherParameters, strict: false }],
    });
    const call = called.output.find((item) => item.type === 'function_call');
    expect(call?.name).toBe('get_weather');
    expect(JSON.parse(call?.arguments ?? '')).toEqual({ city: 'Paris', days: 3 });
  });

  it('throws the errors it knows', async () => {
    const failed = async (work: Promise<unknown>): Promise<APIError> => {
      try {
        await work;
      } catch (thrown) {
        if (thrown instanceof APIError) return thrown;
        throw thrown;
      }
      throw new Error('it did not fail');
    };
    const missing = await failed(run.client.chat.completions.create({ model: 'nobody', messages }));
    expect(missing).toBeInstanceOf(OpenAI.NotFoundError);
    expect(missing).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
    const bad = await failed(run.client.chat.completions.create({ model: 'plain', messages: 'x' as never }));
    expect(bad).toBeInstanceOf(OpenAI.BadRequestError);
    expect(bad.message).toContain('messages');
    const none = await failed(run.client.chat.completions.create({ messages } as never));
    expect(none).toMatchObject({ status: 400, code: 'model_missing' });
    const tooLong = await failed(
      run.client.chat.completions.create({ model: 'plain', messages: [{ role: 'user', content: 'a'.repeat(9000) }] }),
    );
    expect(tooLong).toMatchObject({ status: 400, type: 'exceed_context_size_error' });
    const unknown = await failed(run.client.models.retrieve('nobody'));
    expect(unknown).toBeInstanceOf(OpenAI.NotFoundError);
  });
});
