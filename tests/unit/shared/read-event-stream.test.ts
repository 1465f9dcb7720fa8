import { describe, expect, it } from 'vitest';
import { readEventStream, type StreamItem } from '../../../shared/contract/read-event-stream.ts';

async function readAll(text: string): Promise<StreamItem[]> {
  const bytes = new TextEncoder().encode(text);
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const items: StreamItem[] = [];
  for await (const item of readEventStream(stream)) items.push(item);
  return items;
}

describe('readEventStream', () => {
  it('yields comments and data in their order', async () => {
    expect(await readAll(': queued 2/5\n\n:loading 40 %\n\ndata: {"a":1}\n\ndata: [DONE]\n\n')).toEqual([
      { type: 'comment', text: 'queued 2/5' },
      { type: 'comment', text: 'loading 40 %' },
      { type: 'data', text: '{"a":1}' },
      { type: 'data', text: '[DONE]' },
    ]);
  });

  it('puts characters together that come in pieces', async () => {
    expect(await readAll(': größer 🐎\n\ndata: ü\n\n')).toEqual([
      { type: 'comment', text: 'größer 🐎' },
      { type: 'data', text: 'ü' },
    ]);
  });

  it('drops an event that was cut off', async () => {
    expect(await readAll('data: whole\n\ndata: half\n')).toEqual([{ type: 'data', text: 'whole' }]);
  });

  it('lets go of the connection when the reader stops early', async () => {
    let isCancelled = false;
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode('data: x\n\n')),
      cancel: () => {
        isCancelled = true;
      },
    });
    for await (const item of readEventStream(stream)) {
      expect(item.text).toBe('x');
      break;
    }
    expect(isCancelled).toBe(true);
  });
});
