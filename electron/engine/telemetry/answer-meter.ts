/** What an answer says about its own cost. */
export interface AnswerUsage {
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  /** As the model's server measured it; null if it does not say. */
  readonly tokensPerSecond: number | null;
}

export interface AnswerMeter {
  /** Looks at a chunk as it passes; never keeps more than the answer's tail. */
  observe(chunk: Buffer): void;
  /** The usage found, or counted from the events of a stream. */
  usage(): AnswerUsage;
}

/** Usage and timings stand at the end of an answer; llama-server's take about 1 kB. */
const TAIL_BYTES = 16 * 1024;
/** Reason and timings, usage, `[DONE]`, and one more. Few: what outlives a collection of young objects makes it slower. */
const RING_CHUNKS = 4;
const EVENT_START = Buffer.from('data:');
const LINE_FEED = 0x0a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Reads token counts off a passing answer: `usage` (OpenAI, Anthropic) and `timings` (llama-server) at its end, else the
 * number of events of a stream, of which the first (the role) and the last ones (reason, `[DONE]`) carry no token.
 */
export function createAnswerMeter({ isStream }: { isStream: boolean }): AnswerMeter {
  const keep = isStream ? createChunkRing() : createByteTail();
  let events = 0;
  return {
    observe(chunk) {
      if (isStream) events += countEvents(chunk);
      keep.add(chunk);
    },
    usage() {
      const parts = keep.parts();
      const all = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
      // Names, digits and braces are all that is looked at, and latin1 costs the least.
      const found = findUsage(all.toString('latin1', Math.max(0, all.length - TAIL_BYTES)));
      if (found.completionTokens !== null || !isStream) return found;
      return { ...found, completionTokens: Math.max(0, events - 3) };
    },
  };
}

/** What is kept of an answer until its end. */
interface Tail {
  add(chunk: Buffer): void;
  /** In order. */
  parts(): Buffer[];
}

/** Of a stream, whose chunks are events, the last few: one store a chunk, and nothing that grows. */
function createChunkRing(): Tail {
  const ring: Buffer[] = [];
  let next = 0;
  return {
    add(chunk) {
      ring[next] = chunk;
      next = (next + 1) % RING_CHUNKS;
    },
    parts: () => [...ring.slice(next), ...ring.slice(0, next)],
  };
}

/** Of an answer in one piece, which may come in pieces of any size, the last bytes: two lots, of which the older one goes once the newer is long enough by itself. */
function createByteTail(): Tail {
  let older: Buffer[] = [];
  let newer: Buffer[] = [];
  let newerBytes = 0;
  return {
    add(chunk) {
      newer.push(chunk);
      newerBytes += chunk.length;
      if (newerBytes < TAIL_BYTES) return;
      older = newer;
      newer = [];
      newerBytes = 0;
    },
    parts: () => [...older, ...newer],
  };
}

function countEvents(chunk: Buffer): number {
  // Most chunks are one event of one line; that is seen without a search for text.
  if (chunk[0] === EVENT_START[0] && chunk[4] === EVENT_START[4] && chunk.indexOf(LINE_FEED, 1) >= chunk.length - 2)
    return 1;
  let count = 0;
  for (let at = chunk.indexOf(EVENT_START); at !== -1; at = chunk.indexOf(EVENT_START, at + EVENT_START.length)) {
    if (at === 0 || chunk[at - 1] === 0x0a) count += 1;
  }
  return count;
}

/** Finds the last `usage` and `timings` objects in the end of an answer. Pure. */
export function findUsage(text: string): AnswerUsage {
  const usage = lastObject(text, 'usage');
  const timings = lastObject(text, 'timings');
  return {
    promptTokens:
      numberOf(usage, 'prompt_tokens') ??
      numberOf(usage, 'input_tokens') ??
      sum(numberOf(timings, 'prompt_n'), numberOf(timings, 'cache_n')),
    completionTokens:
      numberOf(usage, 'completion_tokens') ?? numberOf(usage, 'output_tokens') ?? numberOf(timings, 'predicted_n'),
    tokensPerSecond: numberOf(timings, 'predicted_per_second'),
  };
}

function sum(one: number | null, other: number | null): number | null {
  return one === null ? other : one + (other ?? 0);
}

function numberOf(object: Readonly<Record<string, unknown>> | undefined, key: string): number | null {
  const value = object?.[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function lastObject(text: string, key: string): Readonly<Record<string, unknown>> | undefined {
  for (let at = text.lastIndexOf(`"${key}"`); at !== -1; at = at === 0 ? -1 : text.lastIndexOf(`"${key}"`, at - 1)) {
    const start = at + key.length + 2;
    const open = /^\s*:\s*\{/.exec(text.slice(start, start + 16));
    if (open === null) continue;
    const from = start + open[0].length - 1;
    const end = matchingBrace(text, from);
    if (end === undefined) continue;
    try {
      return JSON.parse(text.slice(from, end + 1)) as Record<string, unknown>;
    } catch {
      continue; // Something in the model's own words that looks like it.
    }
  }
  return undefined;
}

function matchingBrace(text: string, from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === OPEN_BRACE) depth += 1;
    else if (code === CLOSE_BRACE) {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return undefined;
}
