import { describe, expect, it } from 'vitest';
import type { ModelState } from '#shared/model/model-state.ts';
import { decide } from '../../../electron/engine/scheduler/decide.ts';
import { createCountRoom } from '../../../electron/engine/scheduler/room.ts';
import { plainModelFacts } from '../../fakes/model-facts.ts';
import type { ModelFacts, SchedulerFacts, WaitingFacts } from '../../../electron/engine/scheduler/view.ts';

const nowMs = 100_000;

function model(id: string, state: ModelState, changes: Partial<ModelFacts> = {}): ModelFacts {
  return {
    ...plainModelFacts,
    id,
    state,
    lastUsedMs: nowMs - 1000,
    ttlMs: 60_000,
    ...changes,
  };
}

/** `a1` is the request of number 1 for model a; `+a1` a load. */
function waits(name: string, changes: Partial<WaitingFacts> = {}): WaitingFacts {
  const [, plus, modelId = '', order] = /^(\+?)([a-z])(\d+)$/.exec(name) ?? [];
  return {
    id: name,
    modelId,
    lane: 'default',
    kind: plus === '+' ? 'load' : 'request',
    isOptional: false,
    priority: 0,
    order: Number(order),
    enqueuedMs: nowMs - 100,
    deadlineMs: nowMs + 60_000,
    ...changes,
  };
}

interface Situation {
  readonly name: string;
  readonly models: readonly ModelFacts[];
  readonly waiting?: readonly WaitingFacts[];
  readonly facts?: Partial<SchedulerFacts>;
  readonly maxLoaded?: number;
  readonly canEvict?: boolean;
  readonly decisions: readonly string[];
  readonly reasons?: Readonly<Record<string, string>>;
  readonly wakeInMs?: number;
}

const old = { enqueuedMs: nowMs - 5000 };
const when = (mode: 'when-idle' | 'after-queue' | 'now', upToOrder = 1): Partial<ModelFacts> => ({
  eject: { mode, upToOrder },
});

const situations: readonly Situation[] = [
  { name: 'nothing at all', models: [], decisions: [] },
  {
    name: 'a ready model with a free slot',
    models: [model('a', 'ready')],
    waiting: [waits('a1')],
    decisions: ['grant a1'],
  },
  {
    name: 'more who wait than slots: the first in line get them',
    models: [model('a', 'ready', { concurrency: 3, activeRequests: 1 })],
    waiting: [waits('a1', { priority: 5 }), waits('a2'), waits('a3')],
    decisions: ['grant a1', 'grant a2'],
    reasons: { a3: 'slot' },
  },
  {
    name: 'a load of a ready model with no slot free',
    models: [model('a', 'ready', { activeRequests: 1 })],
    waiting: [waits('+a1')],
    decisions: ['grant +a1'],
  },
  {
    name: 'a lane at its limit: others pass it',
    models: [model('a', 'ready', { concurrency: 9 })],
    waiting: [waits('a1', { lane: 'slow' }), waits('a2', { lane: 'slow' }), waits('a3')],
    facts: { laneLimits: new Map([['slow', 3]]), laneActive: new Map([['slow', 2]]) },
    decisions: ['grant a1', 'grant a3'],
    reasons: { a2: 'lane' },
  },
  {
    name: 'a cold model and room: one start for all',
    models: [model('a', 'off')],
    waiting: [waits('a1'), waits('a2'), waits('+a3')],
    decisions: ['start a'],
    reasons: { a1: 'load', a2: 'load', '+a3': 'load' },
  },
  {
    name: 'two cold models and room for one: the first in line',
    models: [model('a', 'off'), model('b', 'off')],
    waiting: [waits('b1', { priority: 1 }), waits('a2')],
    decisions: ['start b'],
    reasons: { b1: 'load', a2: 'room' },
  },
  {
    name: 'two cold models and room for both',
    models: [model('a', 'off'), model('b', 'off')],
    waiting: [waits('a1'), waits('b2')],
    maxLoaded: 2,
    decisions: ['start a', 'start b'],
    reasons: { a1: 'load', b2: 'load' },
  },
  ...(['starting', 'loading'] as const).map((state) => ({
    name: `a model that is ${state}`,
    models: [model('a', state)],
    waiting: [waits('a1')],
    decisions: [],
    reasons: { a1: 'load' },
  })),
  ...(['draining', 'stopping'] as const).map((state) => ({
    name: `a model that is ${state} with a request still running`,
    models: [model('a', state, { activeRequests: 1 })],
    waiting: [waits('a1')],
    decisions: [],
    reasons: { a1: 'eject' },
  })),
  {
    name: 'a crashed model before its delay is over',
    models: [model('a', 'crashed', { nextStartAtMs: nowMs + 250 })],
    waiting: [waits('a1')],
    decisions: [],
    reasons: { a1: 'restart-delay' },
    wakeInMs: 250,
  },
  {
    name: 'a crashed model after its delay',
    models: [model('a', 'crashed', { nextStartAtMs: nowMs })],
    waiting: [waits('a1')],
    decisions: ['start a'],
    reasons: { a1: 'load' },
  },
  {
    name: 'a restart delay keeps nobody else from starting',
    models: [model('a', 'crashed', { nextStartAtMs: nowMs + 250 }), model('b', 'off')],
    waiting: [waits('a1'), waits('b2')],
    decisions: ['start b'],
    reasons: { a1: 'restart-delay', b2: 'load' },
  },
  {
    name: 'a model that was given up',
    models: [model('a', 'failed')],
    waiting: [waits('a1'), waits('+a2')],
    decisions: ['reject a1 model-failed', 'reject +a2 model-failed'],
  },
  {
    name: 'a request at its deadline',
    models: [model('a', 'ready', { activeRequests: 1 })],
    waiting: [waits('a1', { deadlineMs: nowMs }), waits('a2', { deadlineMs: nowMs + 1 })],
    decisions: ['reject a1 queue-timeout'],
    reasons: { a2: 'slot' },
    wakeInMs: 1,
  },

  {
    name: 'no room, another one idle: it goes',
    models: [model('a', 'ready'), model('b', 'off')],
    waiting: [waits('b1')],
    decisions: ['stop a'],
    reasons: { b1: 'room' },
  },
  {
    name: 'no room, several idle: the least recently used goes',
    models: [model('a', 'ready', { lastUsedMs: 900 }), model('b', 'ready', { lastUsedMs: 800 }), model('c', 'off')],
    waiting: [waits('c1')],
    maxLoaded: 2,
    decisions: ['stop b'],
    reasons: { c1: 'room' },
    facts: { nowMs: 2000 },
  },
  {
    name: 'no room, several idle: lower priority goes before longer unused',
    models: [model('a', 'ready', { priority: -1 }), model('b', 'ready', { lastUsedMs: 1 }), model('c', 'off')],
    waiting: [waits('c1')],
    maxLoaded: 2,
    decisions: ['stop a'],
    reasons: { c1: 'room' },
    facts: { nowMs: 2000 },
  },
  {
    name: 'no room, the other busy: wait',
    models: [model('a', 'ready', { activeRequests: 1 }), model('b', 'off')],
    waiting: [waits('b1')],
    decisions: [],
    reasons: { b1: 'room' },
    wakeInMs: 900,
  },
  {
    name: 'no room, but it is coming: nobody more has to go',
    models: [model('a', 'stopping'), model('b', 'ready'), model('c', 'off')],
    waiting: [waits('c1')],
    maxLoaded: 2,
    decisions: [],
    reasons: { c1: 'room' },
  },
  {
    name: 'no room, only pinned and busy others: wait for the busy one',
    models: [model('a', 'ready', { isPinned: true }), model('b', 'ready', { activeRequests: 1 }), model('c', 'off')],
    waiting: [waits('c1')],
    maxLoaded: 2,
    decisions: [],
    reasons: { c1: 'room' },
  },
  {
    name: 'no room, everything pinned',
    models: [model('a', 'ready', { isPinned: true }), model('b', 'off')],
    waiting: [waits('b1')],
    decisions: ['reject b1 no-room'],
  },
  {
    name: 'no room, and the policy is to reject',
    models: [model('a', 'ready'), model('b', 'off')],
    waiting: [waits('b1')],
    canEvict: false,
    decisions: ['reject b1 no-room'],
  },
  {
    name: 'the policy is to reject, but room is coming',
    models: [model('a', 'stopping'), model('b', 'off')],
    waiting: [waits('b1')],
    canEvict: false,
    decisions: [],
    reasons: { b1: 'room' },
  },
  {
    name: 'room is claimed by the first: the second takes nobody away',
    models: [model('a', 'ready', { activeRequests: 1 }), model('b', 'ready'), model('c', 'off'), model('d', 'off')],
    waiting: [waits('c1'), waits('d2')],
    maxLoaded: 2,
    decisions: ['stop b'],
    reasons: { c1: 'room', d2: 'room' },
  },

  {
    name: 'within the fairness bound, younger requests for the loaded model are served',
    models: [model('a', 'ready', { concurrency: 2, activeRequests: 1 }), model('b', 'off')],
    waiting: [waits('b1'), waits('a2')],
    decisions: ['grant a2'],
    reasons: { b1: 'room' },
    wakeInMs: 900,
  },
  {
    name: 'within the fairness bound, an idle model that somebody waits for is not taken away',
    models: [model('a', 'ready'), model('b', 'off')],
    waiting: [waits('b1'), waits('a2')],
    decisions: ['grant a2'],
    reasons: { b1: 'room' },
  },
  {
    name: 'beyond the fairness bound, the loaded model gets nothing new',
    models: [model('a', 'ready', { concurrency: 2, activeRequests: 1 }), model('b', 'off')],
    waiting: [waits('b1', old), waits('a2')],
    decisions: [],
    reasons: { b1: 'room', a2: 'room' },
  },
  {
    name: 'beyond the fairness bound, who was before it is still served',
    models: [model('a', 'ready', { concurrency: 2, activeRequests: 1 }), model('b', 'off')],
    waiting: [waits('a1', old), waits('b2', old), waits('a3')],
    decisions: ['grant a1'],
    reasons: { b2: 'room', a3: 'room' },
  },
  {
    name: 'beyond the fairness bound, an idle model goes though somebody waits for it',
    models: [model('a', 'ready'), model('b', 'off')],
    waiting: [waits('b1', old), waits('a2')],
    decisions: ['stop a'],
    reasons: { b1: 'room', a2: 'eject' },
  },
  {
    name: 'beyond the fairness bound, the one of two busy models that is nearest to idle yields',
    models: [
      model('a', 'ready', { concurrency: 4, activeRequests: 2, lastUsedMs: 1 }),
      model('b', 'ready', { concurrency: 4, activeRequests: 1, lastUsedMs: 2 }),
      model('c', 'off'),
    ],
    waiting: [waits('c1', old), waits('a2'), waits('b3')],
    maxLoaded: 2,
    decisions: ['grant a2'],
    reasons: { c1: 'room', b3: 'room' },
  },

  {
    name: 'an eject when idle, of an idle model',
    models: [model('a', 'ready', when('when-idle'))],
    decisions: ['stop a'],
  },
  {
    name: 'an eject when idle, of a busy model',
    models: [model('a', 'ready', { ...when('when-idle'), activeRequests: 1, concurrency: 4 })],
    waiting: [waits('a1'), waits('a2')],
    decisions: ['drain a'],
    reasons: { a1: 'eject', a2: 'eject' },
  },
  {
    name: 'an eject when idle, of a model that drains and has become idle',
    models: [model('a', 'draining', when('when-idle'))],
    waiting: [waits('a1')],
    decisions: ['stop a'],
    reasons: { a1: 'eject' },
  },
  {
    name: 'an eject after the queue serves who came before it',
    models: [model('a', 'ready', { ...when('after-queue', 1), concurrency: 4 })],
    waiting: [waits('a1'), waits('a2')],
    decisions: ['grant a1'],
    reasons: { a2: 'eject' },
  },
  {
    name: 'an eject after the queue, with nobody before it left',
    models: [model('a', 'ready', when('after-queue', 1))],
    waiting: [waits('a2')],
    decisions: ['stop a'],
    reasons: { a2: 'eject' },
  },
  {
    name: 'an eject after the queue, with a request still running',
    models: [model('a', 'ready', { ...when('after-queue', 1), activeRequests: 1 })],
    decisions: [],
  },
  {
    name: 'an eject now, of a busy model: who came before it is refused',
    models: [model('a', 'ready', { ...when('now', 1), activeRequests: 1 })],
    waiting: [waits('a1'), waits('a2')],
    decisions: ['reject a1 ejected', 'abort a'],
    reasons: { a2: 'eject' },
  },
  {
    name: 'an eject now, of a model that drains',
    models: [model('a', 'draining', { ...when('now', 1), activeRequests: 1 })],
    decisions: ['abort a'],
  },
  {
    name: 'an eject of a model that is not spawned yet',
    models: [model('a', 'starting', when('when-idle'))],
    waiting: [waits('a1')],
    decisions: ['reject a1 ejected', 'abandon a'],
  },
  {
    name: 'an eject of a model that loads',
    models: [model('a', 'loading', when('when-idle'))],
    waiting: [waits('a1'), waits('a2')],
    decisions: ['reject a1 ejected', 'stop a'],
    reasons: { a2: 'eject' },
  },
  {
    name: 'an eject after the queue, of a model that loads and is waited for',
    models: [model('a', 'loading', when('after-queue'))],
    waiting: [waits('a1')],
    decisions: [],
    reasons: { a1: 'load' },
  },
  { name: 'an eject of a model that stops already', models: [model('a', 'stopping', when('now'))], decisions: [] },

  {
    name: 'idle, but not long enough',
    models: [model('a', 'ready', { lastUsedMs: nowMs - 59_000 })],
    decisions: [],
    wakeInMs: 1000,
  },
  { name: 'idle for its ttl', models: [model('a', 'ready', { lastUsedMs: nowMs - 60_000 })], decisions: ['stop a'] },
  {
    name: 'idle for its ttl, but pinned',
    models: [model('a', 'ready', { lastUsedMs: nowMs - 60_000, isPinned: true })],
    decisions: [],
  },
  { name: 'idle for ever with ttl 0', models: [model('a', 'ready', { lastUsedMs: 0, ttlMs: 0 })], decisions: [] },
  {
    name: 'beyond its ttl, but busy',
    models: [model('a', 'ready', { lastUsedMs: 0, activeRequests: 1 })],
    decisions: [],
  },
  {
    name: 'beyond its ttl, and somebody has just come',
    models: [model('a', 'ready', { lastUsedMs: 0 })],
    waiting: [waits('a1')],
    decisions: ['grant a1'],
  },
  { name: 'a start that nobody waits for', models: [model('a', 'starting')], decisions: ['abandon a'] },
  { name: 'a load that nobody waits for any more goes on', models: [model('a', 'loading')], decisions: [] },
  {
    name: 'a start whose last who waited ran out of time',
    models: [model('a', 'starting')],
    waiting: [waits('a1', { deadlineMs: nowMs - 1 })],
    decisions: ['reject a1 queue-timeout', 'abandon a'],
  },
];

describe('what is done now, with', () => {
  it.each(situations)(
    '$name',
    ({ models, waiting = [], facts = {}, maxLoaded = 1, canEvict = true, decisions, reasons = {}, wakeInMs }) => {
      const all: SchedulerFacts = {
        nowMs,
        models: new Map(models.map((each) => [each.id, each])),
        waiting,
        laneActive: new Map(),
        laneLimits: new Map(),
        fairnessBoundMs: 1000,
        memory: undefined,
        gameMode: 'off',
        ...facts,
      };
      const decided = decide(all, createCountRoom({ maxLoaded, canEvict }));
      const described = decided.decisions.map((decision) => {
        switch (decision.kind) {
          case 'grant':
            return `grant ${decision.requestId}`;
          case 'reject':
            return `reject ${decision.requestId} ${decision.code}`;
          case 'abandon-start':
            return `abandon ${decision.modelId}`;
          case 'stop':
            return `${decision.abortsRequests ? 'abort' : 'stop'} ${decision.modelId}`;
          case 'start':
          case 'prepare':
          case 'drain':
            return `${decision.kind} ${decision.modelId}`;
        }
      });
      expect(described).toEqual(decisions);
      expect(Object.fromEntries(decided.waitReasons)).toEqual(reasons);
      if (wakeInMs !== undefined) expect(decided.wakeAtMs).toBe(nowMs + wakeInMs);
    },
  );

  it('the same facts twice: the same decisions, and the facts untouched', () => {
    const models = new Map(
      [model('a', 'ready', { concurrency: 2 }), model('b', 'off')].map((each) => [each.id, Object.freeze(each)]),
    );
    const facts: SchedulerFacts = Object.freeze({
      nowMs,
      models,
      waiting: Object.freeze([waits('a1'), waits('b2'), waits('a3')].map((each) => Object.freeze(each))),
      laneActive: new Map(),
      laneLimits: new Map(),
      fairnessBoundMs: 1000,
      memory: undefined,
      gameMode: 'off',
    });
    const room = createCountRoom({ maxLoaded: 1, canEvict: true });
    expect(decide(facts, room)).toEqual(decide(facts, room));
    expect([...models.values()].map(({ state, activeRequests }) => `${state} ${activeRequests}`)).toEqual([
      'ready 0',
      'off 0',
    ]);
  });
});
