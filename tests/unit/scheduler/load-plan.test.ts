import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelState } from '#shared/model/model-state.ts';
import { RAM, type DeviceFacts } from '../../../electron/engine/memory/device-facts.ts';
import { decide } from '../../../electron/engine/scheduler/decide.ts';
import { decideLoadPlan, type LoadPlan } from '../../../electron/engine/scheduler/load-plan.ts';
import { createMemoryRoom } from '../../../electron/engine/scheduler/memory-room.ts';
import { createCountRoom } from '../../../electron/engine/scheduler/room.ts';
import type { ModelFacts, SchedulerFacts, WaitingFacts } from '../../../electron/engine/scheduler/view.ts';
import { plainModelFacts } from '../../fakes/model-facts.ts';
import { GIB, offloadedNeed } from './support/memory-world.ts';

const nowMs = 1_000_000;
const gpu = (id: string, gib: number): DeviceFacts => ({
  id,
  kind: 'gpu',
  totalBytes: gib * GIB,
  budgetBytes: gib * GIB,
  usedByOthersBytes: 0,
});
const devices = [gpu('CUDA0', 20), gpu('CUDA1', 10), { ...gpu(RAM, 64), kind: 'ram' as const }];
const roomOf = (canEvict: boolean) =>
  createMemoryRoom({ count: createCountRoom({ maxLoaded: Number.POSITIVE_INFINITY, canEvict }), canEvict });

function facts(models: readonly ModelFacts[], waiting: readonly WaitingFacts[] = []): SchedulerFacts {
  return {
    nowMs,
    models: new Map(models.map((model) => [model.id, model])),
    waiting,
    laneActive: new Map(),
    laneLimits: new Map(),
    fairnessBoundMs: 1000,
    memory: { devices, isFresh: true },
    gameMode: 'off',
  };
}
const waits = (id: string, modelId: string, order: number, enqueuedMs = nowMs): WaitingFacts => ({
  id,
  modelId,
  lane: 'default',
  kind: 'request',
  isOptional: false,
  priority: 0,
  order,
  enqueuedMs,
  deadlineMs: nowMs + 60_000,
});
const held = (device: string, gib: number) => new Map([[device, gib * GIB]]);
const x: ModelFacts = { ...plainModelFacts, id: 'x', need: offloadedNeed(15 * GIB), reloadMs: 4000 };

describe('a plan', () => {
  it('says what goes and why, what stays, and how long it takes', () => {
    const a = {
      ...plainModelFacts,
      id: 'a',
      state: 'ready' as const,
      reserved: held('CUDA0', 12),
      lastUsedMs: nowMs - 240_000,
      reloadMs: 8000,
    };
    const b = { ...plainModelFacts, id: 'b', state: 'ready' as const, reserved: held('CUDA1', 5), isPinned: true };
    const plan = decideLoadPlan(facts([x, a, b]), 'x', roomOf(true));
    expect(plan).toMatchObject({
      isLoaded: false,
      outcome: 'evicts',
      ejects: [{ modelId: 'a', reason: 'idle for 4 min, back in about 8.0 s', bytes: a.reserved }],
      keeps: ['b'],
      waitsFor: [],
      expectedLoadMs: 4000,
      problem: undefined,
    });
    expect(plan.bytes.get('CUDA0')).toBe(15 * GIB);
    expect(plan.free.get('CUDA0')).toBe(8 * GIB);
    expect(plan.free.get('CUDA1')).toBe(5 * GIB);
  });

  it.each<{ name: string; model: Partial<ModelFacts>; other?: Partial<ModelFacts>; plan: Partial<LoadPlan> }>([
    {
      name: 'of a model that is there',
      model: { state: 'ready', reserved: held('CUDA0', 15) },
      plan: { isLoaded: true, outcome: 'fits' },
    },
    {
      name: 'of a model that loads',
      model: { state: 'loading', reserved: held('CUDA0', 15) },
      plan: { isLoaded: true, outcome: 'fits' },
    },
    {
      name: 'of a model nobody has looked at',
      model: { need: undefined },
      plan: { isLoaded: false, outcome: 'unknown', need: undefined },
    },
    {
      name: 'that waits for a busy one',
      model: { need: offloadedNeed(25 * GIB) },
      other: { activeRequests: 1 },
      plan: { outcome: 'waits', waitsFor: ['a'], keeps: ['a'], ejects: [] },
    },
    {
      name: 'without room',
      model: { need: offloadedNeed(25 * GIB) },
      other: { isPinned: true },
      plan: { outcome: 'no-room', problem: expect.stringContaining('pinned: a 12.9 GB') as string },
    },
  ])('$name', ({ model, other = {}, plan }) => {
    const a = { ...plainModelFacts, id: 'a', state: 'ready' as const, reserved: held('CUDA0', 12), ...other };
    expect(decideLoadPlan(facts([{ ...x, ...model }, a]), 'x', roomOf(true))).toMatchObject(plan);
  });
});

const states: readonly ModelState[] = [
  'off',
  'starting',
  'loading',
  'ready',
  'ready',
  'ready',
  'ready',
  'draining',
  'stopping',
  'crashed',
];
const anyOther = fc.record({
  state: fc.constantFrom(...states),
  device: fc.constantFrom('CUDA0', 'CUDA1', RAM),
  gib: fc.integer({ min: 0, max: 12 }),
  activeRequests: fc.constantFrom(0, 0, 1),
  isPinned: fc.constantFrom(false, false, false, true),
  priority: fc.constantFrom(0, 1),
  lastUsedMs: fc.integer({ min: 0, max: nowMs }),
  reloadMs: fc.integer({ min: 0, max: 40_000 }),
  waitingFor: fc.constantFrom(0, 0, 0, 2),
});

describe('plan and act', () => {
  it('agree for a request that comes now, whatever is loaded and busy', () => {
    fc.assert(
      fc.property(
        fc.array(anyOther, { maxLength: 6 }),
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        (others, need, canEvict) => {
          const models = [
            { ...x, need: offloadedNeed(need * GIB) },
            ...others.map(({ device, gib, waitingFor: _, ...rest }, index): ModelFacts => ({
              ...plainModelFacts,
              ...rest,
              id: `m${index}`,
              activeRequests: rest.state === 'ready' || rest.state === 'draining' ? rest.activeRequests : 0,
              reserved: gib === 0 ? new Map() : held(device, gib),
            })),
          ];
          // Those who wait for a model that is there, all of its slots taken; they neither claim room nor get a slot.
          const waiting = others.flatMap(({ state, activeRequests, waitingFor }, index) =>
            state === 'ready' && activeRequests > 0
              ? Array.from({ length: waitingFor }, (_, number) => waits(`m${index}-${number}`, `m${index}`, number))
              : [],
          );
          const room = roomOf(canEvict);
          const plan = decideLoadPlan(facts(models, waiting), 'x', room);
          const { decisions, waitReasons } = decide(facts(models, [...waiting, waits('new', 'x', 1000)]), room);
          const started = decisions.find((decision) => decision.kind === 'start');
          const rejected = decisions.find((decision) => decision.kind === 'reject');
          const stopped = decisions.flatMap((decision) => (decision.kind === 'stop' ? [decision.modelId] : []));
          expect(stopped).toEqual(plan.ejects.map(({ modelId }) => modelId));
          switch (plan.outcome) {
            case 'fits':
              expect(started).toMatchObject({ modelId: 'x', placement: { bytes: plan.bytes } });
              break;
            case 'evicts':
              expect(stopped.length).toBeGreaterThan(0);
              expect(started).toBeUndefined();
              break;
            case 'waits':
              expect(waitReasons.get('new')).toBe('room');
              expect([started, rejected]).toEqual([undefined, undefined]);
              break;
            case 'no-room':
              expect(rejected).toMatchObject({
                requestId: 'new',
                code: 'no-room',
                message: expect.stringContaining(plan.problem ?? '–') as string,
              });
              break;
            case 'unknown':
              expect.unreachable('all is known here');
          }
        },
      ),
      { numRuns: 5000 },
    );
  });
});
