/** What a stream of server-sent events is made of, for readers that care for comments, too. */
export interface StreamItem {
  readonly type: 'data' | 'comment';
  readonly text: string;
}

/**
 * The data of each event and every comment of a stream, in their order, as in
 * https://html.spec.whatwg.org/multipage/server-sent-events.html; names and ids of events are left out. An event that is
 * cut off by the end of the stream is dropped. Cancels the body when the reader stops early.
 * `onBytes` hears of everything that comes.
 */
export async function* readEventStream(
  body: ReadableStream<Uint8Array>,
  onBytes?: () => void,
): AsyncGenerator<StreamItem> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let pending = '';
  let data: string[] = [];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      onBytes?.();
      pending += decoder.decode(value, { stream: true });
      const lines = pending.split(/\r\n|\n|\r(?!$)/);
      pending = lines.pop() ?? '';
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { type: 'data', text: data.join('\n') };
          data = [];
        } else if (line.startsWith('data:')) {
          data.push(withoutSpace(line.slice('data:'.length)));
        } else if (line.startsWith(':')) {
          yield { type: 'comment', text: withoutSpace(line.slice(1)) };
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined); // Already ended or aborted: nothing is left to release.
  }
}

/** One space behind the colon belongs to the format, not to the text. */
function withoutSpace(text: string): string {
  return text.startsWith(' ') ? text.slice(1) : text;
}
