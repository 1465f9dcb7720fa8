import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createStatusStreams, HEARTBEAT_MS } from '../../../../electron/engine/dialects/routermodel/status-stream.ts';
import { fullStatus, type FullStatus } from '../../../../electron/engine/dialects/routermodel/status-view.ts';
import type { ModelView, Snapshot } from '#shared/contract/snapshot.ts';
import { createFakeClock } from '../../../fakes/fake-clock.ts';
import { modelView, NOW_MS, snapshotOf } from '../../../fakes/views.ts';

class Reader extends EventEmitter {
  text = '';
  writableLength = 0;
  writeHead(): this {
    return this;
  }
  write(chunk: string): boolean {
    this.text += chunk;
    return true;
  }
  end(): this {
    this.emit('close');
    return this;
  }
  destroy(): this {
    this.emit('close');
    return this;
  }
  /** The names of the events since the last look, with what they say of models. */
  take(): string[] {
    const events = this.text.split('\n\n').filter((each) => each !== '');
    this.text = '';
    return events.map((each) => {
      const [, name = '', data = ''] = /^event: (.*)\ndata: (.*)$/.exec(each) ?? [];
      const { alias, status } = JSON.parse(data) as { alias?: string; status?: string };
      return alias === undefined ? name : `${name} ${alias} ${status ?? ''}`;
    });
  }
}

function rig() {
  const clock = createFakeClock();
  const streams = createStatusStreams(clock);
  let snapshot: Snapshot = snapshotOf({ models: [modelView({ id: 'a' }), modelView({ id: 'b' })] });
  const read = (): FullStatus => fullStatus(snapshot, snapshot.models, NOW_MS);
  const reader = new Reader();
  streams.add(reader as unknown as ServerResponse, read);
  return {
    clock,
    streams,
    reader,
    change(changes: Partial<Snapshot>) {
      snapshot = { ...snapshot, ...changes };
      streams.update();
    },
    models: (...models: ModelView[]) => models,
  };
}

describe('the stream of states', () => {
  it('begins with the whole', () => {
    expect(rig().reader.take()).toEqual(['full_status']);
  });

  it('tells of the model that changed, and of nothing else', () => {
    const { reader, change, models } = rig();
    reader.take();
    change({ models: models(modelView({ id: 'a', state: 'loading' }), modelView({ id: 'b' })) });
    expect(reader.take()).toEqual(['model_update a loading']);
    change({});
    expect(reader.take()).toEqual([]);
  });

  it('tells of the server', () => {
    const { reader, change } = rig();
    reader.take();
    change({ instance: { ...snapshotOf().instance, isShuttingDown: true } });
    expect(reader.take()).toEqual(['server_update']);
  });

  it('begins again where the list of models changed', () => {
    const { reader, change, models } = rig();
    reader.take();
    change({ models: models(modelView({ id: 'a' })) });
    expect(reader.take()).toEqual(['full_status']);
  });

  it('beats every thirty seconds while somebody listens', () => {
    const { clock, reader } = rig();
    reader.take();
    clock.advance(HEARTBEAT_MS - 1);
    expect(reader.take()).toEqual([]);
    clock.advance(1);
    expect(reader.take()).toEqual(['heartbeat']);
    clock.advance(HEARTBEAT_MS);
    expect(reader.take()).toEqual(['heartbeat']);
    reader.emit('close');
    clock.advance(2 * HEARTBEAT_MS);
    expect(reader.take()).toEqual([]);
  });

  it('lets go of a reader that does not read', () => {
    const { reader, change, models } = rig();
    reader.take();
    reader.writableLength = 2 ** 21;
    change({ models: models(modelView({ id: 'a', state: 'loading' }), modelView({ id: 'b' })) });
    reader.take();
    change({ models: models(modelView({ id: 'a', state: 'ready' }), modelView({ id: 'b' })) });
    expect(reader.take()).toEqual([]);
  });
});
