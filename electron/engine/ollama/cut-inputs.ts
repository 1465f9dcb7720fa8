import { parseJsonObject } from '../proxy/filter-body.ts';
import type { PreparingProcess } from '../proxy/translation.ts';
import { isObject } from './request-fields.ts';

/**
 * Cuts texts to what the model's server takes at once, as Ollama does by default. Only texts that have more bytes than it
 * takes tokens are looked at: a token has a byte at least. They are cut between tokens, by the server's own tokenizer; where
 * it has none they stay as they are, and it answers with its own error.
 */
export async function cutInputs(body: Buffer, process: PreparingProcess): Promise<Buffer> {
  const limit = tokenLimit(process);
  const request = parseJsonObject(body);
  const { input } = request;
  if (limit === undefined || !Array.isArray(input)) return body;
  const texts = input as string[];
  if (texts.every((text) => Buffer.byteLength(text) <= limit)) return body;
  const cut: string[] = [];
  for (const text of texts) {
    cut.push(Buffer.byteLength(text) <= limit ? text : await cutText(text, limit, process));
  }
  return Buffer.from(JSON.stringify({ ...request, input: cut }));
}

/** For the tokens that begin and end a text. */
const SPECIAL_TOKENS = 2;
/** llama-server's own, if its command line says nothing. */
const DEFAULT_BATCH = 512;

/** What is embedded has to fit into one physical batch, and into a slot's context once that is known. */
export function tokenLimit({ contextSize, commandLine }: Omit<PreparingProcess, 'endpoint'>): number | undefined {
  if (commandLine === null) return undefined;
  const last = (...flags: string[]): number | undefined => {
    const at = commandLine.findLastIndex((argument) => flags.includes(argument));
    const value = Number(commandLine[at + 1]);
    return at === -1 || !Number.isInteger(value) || value <= 0 ? undefined : value;
  };
  const batch = Math.min(last('--ubatch-size', '-ub') ?? DEFAULT_BATCH, last('--batch-size', '-b') ?? Infinity);
  return Math.max(1, Math.min(contextSize ?? Infinity, batch) - SPECIAL_TOKENS);
}

async function cutText(text: string, limit: number, process: PreparingProcess): Promise<string> {
  const { tokens } = await ask(process, '/tokenize', { content: text, add_special: false });
  if (!Array.isArray(tokens) || tokens.length <= limit) return text;
  const { content } = await ask(process, '/detokenize', { tokens: (tokens as unknown[]).slice(0, limit) });
  return typeof content === 'string' ? content : text;
}

const TIMEOUT_MS = 30_000;

async function ask(
  { endpoint }: PreparingProcess,
  path: string,
  body: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  const { origin, apiKey, dispatcher } = endpoint;
  try {
    const answer = await dispatcher.request({
      origin,
      path,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const parsed: unknown = JSON.parse(await answer.body.text());
    return answer.statusCode === 200 && isObject(parsed) ? parsed : {};
  } catch {
    return {}; // No llama-server, or it ended: the request itself is about to find that out.
  }
}
