import { answerMark, buildSentenceModel } from '../../../electron/engine/catalog/sentence-model.ts';
import { buildAttentiveModel } from '../../integration/support/attentive-model.ts';
import { startCorral, type TestCorral, type TestFolder } from '../../integration/support/corral.ts';

/**
 * Models for the official clients, made in code and run by a real llama-server. Each says one thing; which tools, thoughts or
 * formats become of it is llama-server's doing, by the template and the request.
 */

/** Its template is of the kind of Hermes 2 Pro and Qwen 2.5, whose tool calls are JSON between tags. */
const toolTemplate = `{%- if tools %}system: You may call functions. <tools>{% for tool in tools %}
{{ tool | tojson }}{% endfor %}
</tools>
For each function call, return a json object within <tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call>
{% endif %}{% for message in messages %}{% if message.role == 'tool' %}user: <tool_response>
{{ message.content }}
</tool_response>
{% else %}{{ message.role }}: {{ message.content if message.content else '' }}{% if message.tool_calls %}{% for tool_call in message.tool_calls %}
<tool_call>
{"name": "{{ tool_call.function.name }}", "arguments": {{ tool_call.function.arguments | tojson }}}
</tool_call>{% endfor %}{% endif %}
{% endif %}{% endfor %}{% if add_generation_prompt %}${answerMark}{% endif %}`;

/** Thoughts between tags before the answer, as with Qwen 3. */
const thinkingTemplate = `{% for message in messages %}{{ message.role }}: {% if message.reasoning_content %}<think>
{{ message.reasoning_content }}
</think>

{% endif %}{{ message.content }}
{% endfor %}{% if add_generation_prompt %}${answerMark}{% if enable_thinking is defined and not enable_thinking %}<think>

</think>

{% endif %}{% endif %}`;

export const plainSentence = 'The red barn stands on the hill.';
const longSentence = Array.from({ length: 600 }, (_, index) => `word${index + 1}`).join(' ');
export const thought = 'The user greets me.';
export const afterThought = 'Good morning to you.';
export const objectText = '{"color": "red", "sure": true}';

const models: Readonly<Record<string, Parameters<typeof buildSentenceModel>[0]>> = {
  plain: { name: 'plain', sentence: plainSentence },
  long: { name: 'long', sentence: longSentence },
  tools: {
    name: 'tools',
    sentence: '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}\n</tool_call>',
    chatTemplate: toolTemplate,
  },
  thinking: {
    name: 'thinking',
    sentence: `<think>\n${thought}\n</think>\n\n${afterThought}`,
    chatTemplate: thinkingTemplate,
  },
  object: { name: 'object', sentence: objectText },
};

/** The parameters of the tool that the model `tools` calls, with `{ city: 'Paris', days: 3 }`. */
export const weatherParameters = {
  type: 'object' as const,
  properties: { city: { type: 'string' }, days: { type: 'integer' } },
  required: ['city'],
};

/** `plain` (or `barn`), `long`, `tools`, `thinking`, `object`, and `embedder`. */
export async function writeClientConfig(folder: TestFolder, llamaServer: string): Promise<Record<string, unknown>> {
  const configured: Record<string, Record<string, unknown>> = {};
  for (const [id, options] of Object.entries(models)) {
    const file = await folder.write(`${id}.gguf`, buildSentenceModel(options));
    configured[id] = { file, contextSize: 4096, parallel: 2 };
  }
  Object.assign(configured['plain'] ?? {}, { aliases: ['barn'] });
  const file = await folder.write('embedder.gguf', buildAttentiveModel());
  configured['embedder'] = { file, embeddings: true, pooling: 'mean', contextSize: 1024 };
  return { engine: { path: llamaServer }, models: configured };
}

/** Corral with these models, in this process. Without the thread that reads model files, which exists only once built. */
export async function startClientCorral(folder: TestFolder, llamaServer: string): Promise<TestCorral> {
  return await startCorral(await writeClientConfig(folder, llamaServer), { folder });
}
