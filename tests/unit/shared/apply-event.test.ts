import { describe, expect, it } from 'vitest';
import { applyEvent } from '../../../shared/contract/apply-event.ts';
import { eventBodySchema, numberedEventSchema, type EventBody } from '../../../shared/contract/events.ts';
import { snapshotSchema, type ModelView, type Snapshot } from '../../../shared/contract/snapshot.ts';
import { modelView, snapshotOf } from '../../fakes/views.ts';

const model = (id: string, changes: Partial<ModelView> = {}): ModelView => modelView({ id, ...changes });

const snapshot = snapshotOf({ sequence: 7, models: [model('a'), model('b')] });

const events: EventBody[] = [
  { type: 'model-changed', model: model('b', { state: 'ready', pid: 9 }) },
  { type: 'models-changed', models: [model('b'), model('c')] },
  {
    type: 'queue-changed',
    queue: [
      {
        id: 'r1',
        modelId: 'a',
        lane: 'default',
        priority: 0,
        waitsFor: 'slot',
        reason: 'slot of a: 1 of 1 busy',
        position: 1,
        enqueuedAt: 3,
        expectedWaitMs: 400,
      },
    ],
  },
  {
    type: 'pools-changed',
    pools: [
      {
        name: 'lab',
        sticky: 'user',
        stickyUsers: 1,
        waitingRequests: 0,
        endpoints: [
          {
            url: 'http://10.0.0.5:8000',
            health: 'down',
            problem: 'nothing listens at its address (connection refused)',
            isResting: false,
            activeRequests: 0,
            concurrency: 4,
            servedRequests: 3,
            modelCount: null,
            checkedAt: 5,
          },
        ],
      },
    ],
  },
  { type: 'memory-changed', memory: { devices: [], isGameMode: true } },
  { type: 'engine-changed', engine: { status: 'missing', reason: 'none', hint: 'install one' } },
  { type: 'instance-changed', instance: { ...snapshot.instance, isShuttingDown: true } },
  {
    type: 'downloads-changed',
    downloads: [
      {
        id: 'd1',
        source: 'user/repo',
        repo: 'user/repo',
        quant: null,
        state: 'looking-up',
        detail: null,
        files: [],
        totalBytes: null,
        receivedBytes: 0,
        bytesPerSecond: null,
        remainingMs: null,
        problem: null,
        modelFile: null,
        mmprojFile: null,
        startedAt: 1,
        finishedAt: null,
      },
    ],
  },
  { type: 'log-appended', source: 'a', lastLine: 12 },
  { type: 'requests-recorded', total: 3 },
];

const changedPart: Record<EventBody['type'], keyof Snapshot | undefined> = {
  'model-changed': 'models',
  'models-changed': 'models',
  'queue-changed': 'queue',
  'pools-changed': 'pools',
  'memory-changed': 'memory',
  'engine-changed': 'engine',
  'instance-changed': 'instance',
  'downloads-changed': 'downloads',
  'log-appended': undefined,
  'requests-recorded': undefined,
};

describe('applyEvent', () => {
  it('knows every kind of event there is', () => {
    const known = eventBodySchema.options.map((option) => option.shape.type.value);
    expect(events.map(({ type }) => type)).toEqual(known);
    for (const event of events) expect(eventBodySchema.parse(event)).toEqual(event);
  });

  it.each(events)('puts the value of $type in its place and leaves the rest', (event) => {
    const before = structuredClone(snapshot);
    const after = applyEvent(snapshot, { sequence: 8, event });
    const part = changedPart[event.type];
    const { sequence, ...parts } = after ?? snapshot;
    expect(sequence).toBe(8);
    for (const name of ['instance', 'engine', 'models', 'queue', 'pools'] as const) {
      if (name === part) expect(parts[name]).not.toEqual(snapshot[name]);
      else expect(parts[name]).toBe(snapshot[name]);
    }
    expect(snapshotSchema.parse(after)).toEqual(after);
    expect(snapshot, 'the old one is not touched').toEqual(before);
  });

  it('changes the one model and keeps the order', () => {
    const after = applyEvent(snapshot, {
      sequence: 8,
      event: { type: 'model-changed', model: model('a', { isPinned: true }) },
    });
    expect(after?.models.map(({ id, isPinned }) => `${id} ${isPinned}`)).toEqual(['a true', 'b false']);
  });

  it.each([0, 6, 7, 9, 100, Number.NaN])('refuses number %s after number 7', (sequence) => {
    for (const event of events) expect(applyEvent(snapshot, { sequence, event })).toBeUndefined();
  });

  it('survives the way through JSON', () => {
    const sent = events.map((event, index) => ({ sequence: 8 + index, event }));
    const received = sent.map((each) => numberedEventSchema.parse(JSON.parse(JSON.stringify(each))));
    let at: Snapshot | undefined = snapshotSchema.parse(JSON.parse(JSON.stringify(snapshot)));
    for (const each of received) at = at === undefined ? undefined : applyEvent(at, each);
    expect(at).toMatchObject({
      sequence: 17,
      models: [{ id: 'b' }, { id: 'c' }],
      queue: [{ id: 'r1' }],
      engine: { status: 'missing' },
    });
  });
});
