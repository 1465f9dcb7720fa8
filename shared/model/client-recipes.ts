import { assertNever } from '../lib/assert-never.ts';

/** How programs that talk to language models are told of Corral: what the Connect page shows and docs/clients.md lists. */

export type SnippetLanguage = 'yaml' | 'json' | 'python' | 'javascript' | 'shell' | 'powershell' | 'text';

export interface RecipeSnippet {
  readonly language: SnippetLanguage;
  readonly code: string;
}

export interface RecipeStep {
  readonly text: string;
  /** What to copy, and nothing else. */
  readonly snippet?: RecipeSnippet;
}

export interface RecipeFacts {
  /** Corral's address without `/v1`, such as `http://127.0.0.1:5526`. */
  readonly address: string;
  readonly model: string;
  /** Most clients insist on one, even where Corral asks for none. */
  readonly key: string;
  /** Tokens, for the clients that have to be told; undefined if it is not known. */
  readonly contextSize?: number | undefined;
}

export const clients = [
  { id: 'open-webui', name: 'Open WebUI', group: 'Chat programs' },
  { id: 'librechat', name: 'LibreChat', group: 'Chat programs' },
  { id: 'sillytavern', name: 'SillyTavern', group: 'Chat programs' },
  { id: 'continue', name: 'Continue', group: 'Editors and agents' },
  { id: 'cline', name: 'Cline', group: 'Editors and agents' },
  { id: 'zed', name: 'Zed', group: 'Editors and agents' },
  { id: 'vs-code', name: 'VS Code', group: 'Editors and agents' },
  { id: 'aider', name: 'Aider', group: 'Editors and agents' },
  { id: 'n8n', name: 'n8n', group: 'Automation' },
  { id: 'openai-python', name: 'OpenAI SDK, Python', group: 'Your own programs' },
  { id: 'openai-javascript', name: 'OpenAI SDK, JavaScript', group: 'Your own programs' },
  { id: 'anthropic', name: 'Anthropic SDK', group: 'Your own programs' },
  { id: 'curl', name: 'curl', group: 'Your own programs' },
  { id: 'environment', name: 'Environment variables', group: 'Your own programs' },
] as const;

export type ClientId = (typeof clients)[number]['id'];

/** Enough for a first try where the model's own is not known; the step says to change it. */
const FALLBACK_CONTEXT_TOKENS = 8192;

/** What to do in a client, in order, with address, model and key filled in. */
export function recipe(client: ClientId, facts: RecipeFacts): RecipeStep[] {
  switch (client) {
    case 'open-webui':
      return openWebUi(facts);
    case 'librechat':
      return libreChat(facts);
    case 'sillytavern':
      return sillyTavern(facts);
    case 'continue':
      return continueDev(facts);
    case 'cline':
      return cline(facts);
    case 'zed':
      return zed(facts);
    case 'vs-code':
      return vsCode(facts);
    case 'aider':
      return aider(facts);
    case 'n8n':
      return n8n(facts);
    case 'openai-python':
      return openAiPython(facts);
    case 'openai-javascript':
      return openAiJavaScript(facts);
    case 'anthropic':
      return anthropic(facts);
    case 'curl':
      return curl(facts);
    case 'environment':
      return environment(facts);
    default:
      return assertNever(client);
  }
}

const baseUrl = ({ address }: RecipeFacts): string => `${address}/v1`;

function fill(text: string, value: string): RecipeStep {
  return { text, snippet: { language: 'text', code: value } };
}

const container =
  'If it runs in a container, 127.0.0.1 is the container itself: give it an address at which the container reaches this computer, and let Corral listen there.';

function openWebUi(facts: RecipeFacts): RecipeStep[] {
  return [
    { text: 'Open Admin Settings, then Connections. Under OpenAI API, add a connection.' },
    fill('URL', baseUrl(facts)),
    fill('API Key', facts.key),
    fill('Save. The models appear in the list of models by their names in Corral:', facts.model),
    { text: container },
  ];
}

function libreChat(facts: RecipeFacts): RecipeStep[] {
  return [
    {
      text: 'Add this to librechat.yaml. Where the file has endpoints already, add the entry to their list; a new file also needs the version line that LibreChat’s example begins with.',
      snippet: {
        language: 'yaml',
        code: [
          'endpoints:',
          '  custom:',
          '    - name: Corral',
          `      apiKey: ${quote(facts.key)}`,
          `      baseURL: ${quote(baseUrl(facts))}`,
          '      models:',
          `        default: [${quote(facts.model)}]`,
          '        fetch: true',
          '      titleConvo: true',
          '      # LibreChat’s word for the model of the conversation, so that a title loads no other one.',
          '      titleModel: current_model',
          '      modelDisplayLabel: Corral',
        ].join('\n'),
      },
    },
    { text: 'Start LibreChat again, and choose Corral among the endpoints.' },
    { text: container },
  ];
}

function sillyTavern(facts: RecipeFacts): RecipeStep[] {
  return [
    { text: 'Open API Connections (the plug). Set API to Chat Completion.' },
    { text: 'Set Chat Completion Source to Custom (OpenAI-compatible).' },
    fill('Custom Endpoint (Base URL)', baseUrl(facts)),
    fill('Custom API Key', facts.key),
    fill('Enter a Model ID', facts.model),
    { text: 'Press Connect.' },
  ];
}

function continueDev(facts: RecipeFacts): RecipeStep[] {
  return [
    {
      text: 'Open Continue’s config.yaml and put this in. Where it has models already, add the entry to their list.',
      snippet: {
        language: 'yaml',
        code: [
          'name: Corral',
          'version: 0.0.1',
          'schema: v1',
          'models:',
          `  - name: ${quote(facts.model)}`,
          '    provider: openai',
          `    model: ${quote(facts.model)}`,
          `    apiBase: ${quote(baseUrl(facts))}`,
          `    apiKey: ${quote(facts.key)}`,
        ].join('\n'),
      },
    },
  ];
}

function cline(facts: RecipeFacts): RecipeStep[] {
  return [
    { text: 'Open Cline’s settings (the gear). Set API Provider to OpenAI Compatible.' },
    fill('Base URL', baseUrl(facts)),
    fill('API Key', facts.key),
    fill('Model ID', facts.model),
  ];
}

function zed(facts: RecipeFacts): RecipeStep[] {
  const provider = {
    api_url: baseUrl(facts),
    available_models: [
      {
        name: facts.model,
        display_name: facts.model,
        max_tokens: facts.contextSize ?? FALLBACK_CONTEXT_TOKENS,
        capabilities: { tools: true, images: false, parallel_tool_calls: false, prompt_cache_key: false },
      },
    ],
  };
  return [
    {
      text: `Add this to Zed’s settings.json. ${contextHint('max_tokens', facts)}`,
      snippet: {
        language: 'json',
        code: JSON.stringify({ language_models: { openai_compatible: { Corral: provider } } }, undefined, 2),
      },
    },
    {
      text: 'Give Zed the key: in Settings, AI, LLM Providers, under Corral; or as a variable where Zed is started from. It does not go into settings.json.',
      snippet: { language: 'shell', code: `export CORRAL_API_KEY=${shellQuote(facts.key)}` },
    },
  ];
}

function vsCode(facts: RecipeFacts): RecipeStep[] {
  const context = facts.contextSize ?? FALLBACK_CONTEXT_TOKENS;
  const maxOutputTokens = Math.min(8192, Math.floor(context / 4));
  const model = {
    id: facts.model,
    name: facts.model,
    url: `${baseUrl(facts)}/chat/completions`,
    toolCalling: true,
    vision: false,
    maxInputTokens: context - maxOutputTokens,
    maxOutputTokens,
  };
  return [
    {
      text: 'VS Code 1.122 or newer with Copilot Chat: run the command “Chat: Manage Language Models”, then Add Models, Custom Endpoint. Name it Corral and choose Chat Completions.',
    },
    fill('API key', facts.key),
    {
      text: `chatLanguageModels.json opens. Set the models of the new entry to this list. ${contextHint('The two token limits together', facts)}`,
      snippet: { language: 'json', code: JSON.stringify([model], undefined, 2) },
    },
    { text: 'Save, and choose the model in the chat’s list. VS Code shows only models with toolCalling switched on.' },
  ];
}

function aider(facts: RecipeFacts): RecipeStep[] {
  return [
    {
      text: 'Linux and macOS:',
      snippet: {
        language: 'shell',
        code: [
          `export OPENAI_API_BASE=${shellQuote(baseUrl(facts))}`,
          `export OPENAI_API_KEY=${shellQuote(facts.key)}`,
          `aider --model ${shellQuote(`openai/${facts.model}`)}`,
        ].join('\n'),
      },
    },
    {
      text: 'Windows (PowerShell):',
      snippet: {
        language: 'powershell',
        code: [
          `$env:OPENAI_API_BASE = ${powershellQuote(baseUrl(facts))}`,
          `$env:OPENAI_API_KEY = ${powershellQuote(facts.key)}`,
          `aider --model ${powershellQuote(`openai/${facts.model}`)}`,
        ].join('\n'),
      },
    },
    { text: 'Aider warns that it does not know the model’s limits; it works all the same.' },
  ];
}

function n8n(facts: RecipeFacts): RecipeStep[] {
  return [
    { text: 'Create a credential of the type OpenAI.' },
    fill('API Key', facts.key),
    fill('Base URL', baseUrl(facts)),
    fill('In the OpenAI Chat Model node, choose that credential, and the model by its id:', facts.model),
    {
      text: 'Where the node offers Use Responses API, switch it off: every server speaks chat completions, not every one the other. The OpenAI node of version 2 always uses Responses; take the chat model node with a chain or an agent instead.',
    },
    { text: container },
  ];
}

function openAiPython(facts: RecipeFacts): RecipeStep[] {
  return [
    { text: 'Once:', snippet: { language: 'shell', code: 'pip install openai' } },
    {
      text: 'Then:',
      snippet: {
        language: 'python',
        code: [
          'from openai import OpenAI',
          '',
          `client = OpenAI(base_url=${quote(baseUrl(facts))}, api_key=${quote(facts.key)})`,
          'answer = client.chat.completions.create(',
          `    model=${quote(facts.model)},`,
          '    messages=[{"role": "user", "content": "Hello"}],',
          ')',
          'print(answer.choices[0].message.content)',
        ].join('\n'),
      },
    },
  ];
}

function openAiJavaScript(facts: RecipeFacts): RecipeStep[] {
  return [
    { text: 'Once:', snippet: { language: 'shell', code: 'npm install openai' } },
    {
      text: 'Then, in a module:',
      snippet: {
        language: 'javascript',
        code: [
          "import OpenAI from 'openai';",
          '',
          `const client = new OpenAI({ baseURL: ${quote(baseUrl(facts))}, apiKey: ${quote(facts.key)} });`,
          'const answer = await client.chat.completions.create({',
          `  model: ${quote(facts.model)},`,
          "  messages: [{ role: 'user', content: 'Hello' }],",
          '});',
          'console.log(answer.choices[0].message.content);',
        ].join('\n'),
      },
    },
  ];
}

function anthropic(facts: RecipeFacts): RecipeStep[] {
  return [
    {
      text: 'Python (pip install anthropic). The address goes without /v1 here; the SDK adds it.',
      snippet: {
        language: 'python',
        code: [
          'from anthropic import Anthropic',
          '',
          `client = Anthropic(base_url=${quote(facts.address)}, api_key=${quote(facts.key)})`,
          'answer = client.messages.create(',
          `    model=${quote(facts.model)},`,
          '    max_tokens=1024,',
          '    messages=[{"role": "user", "content": "Hello"}],',
          ')',
          'print(answer.content)',
        ].join('\n'),
      },
    },
    {
      text: 'JavaScript (npm install @anthropic-ai/sdk):',
      snippet: {
        language: 'javascript',
        code: [
          "import Anthropic from '@anthropic-ai/sdk';",
          '',
          `const client = new Anthropic({ baseURL: ${quote(facts.address)}, apiKey: ${quote(facts.key)} });`,
          'const answer = await client.messages.create({',
          `  model: ${quote(facts.model)},`,
          '  max_tokens: 1024,',
          "  messages: [{ role: 'user', content: 'Hello' }],",
          '});',
          'console.log(answer.content);',
        ].join('\n'),
      },
    },
  ];
}

function curl(facts: RecipeFacts): RecipeStep[] {
  const body = JSON.stringify({ model: facts.model, messages: [{ role: 'user', content: 'Hello' }] });
  const authorization = `-H ${shellQuote(`Authorization: Bearer ${facts.key}`)}`;
  return [
    {
      text: 'A chat:',
      snippet: {
        language: 'shell',
        code: [
          `curl ${shellQuote(`${baseUrl(facts)}/chat/completions`)} \\`,
          `  ${authorization} \\`,
          `  -H 'Content-Type: application/json' \\`,
          `  -d ${shellQuote(body)}`,
        ].join('\n'),
      },
    },
    {
      text: 'All models:',
      snippet: { language: 'shell', code: `curl ${shellQuote(`${baseUrl(facts)}/models`)} ${authorization}` },
    },
  ];
}

function environment(facts: RecipeFacts): RecipeStep[] {
  const variables: readonly (readonly [string, string])[] = [
    ['OPENAI_BASE_URL', baseUrl(facts)],
    ['OPENAI_API_KEY', facts.key],
    ['ANTHROPIC_BASE_URL', facts.address],
    ['ANTHROPIC_API_KEY', facts.key],
  ];
  return [
    { text: 'Read by the official SDKs and by much that is built on them.' },
    {
      text: 'Linux and macOS:',
      snippet: {
        language: 'shell',
        code: variables.map(([name, value]) => `export ${name}=${shellQuote(value)}`).join('\n'),
      },
    },
    {
      text: 'Windows (PowerShell):',
      snippet: {
        language: 'powershell',
        code: variables.map(([name, value]) => `$env:${name} = ${powershellQuote(value)}`).join('\n'),
      },
    },
    fill('Where a program asks for a model, its id is:', facts.model),
  ];
}

function contextHint(setting: string, { contextSize }: RecipeFacts): string {
  return contextSize === undefined
    ? `${setting} should be the context size that the model runs with; Corral does not know it yet.`
    : `${setting} should be the context size that the model runs with: ${contextSize}.`;
}

/** A text in double quotes, as JSON, YAML, Python and JavaScript alike read it. */
function quote(text: string): string {
  return JSON.stringify(text);
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function powershellQuote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
