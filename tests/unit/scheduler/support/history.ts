import type { DeviceBytes } from '../../../../electron/engine/memory/device-facts.ts';

/** What happened, as somebody outside the scheduler sees it. */
export type HistoryEvent =
  | { readonly kind: 'asked'; readonly requestId: string; readonly modelId: string }
  | { readonly kind: 'served'; readonly requestId: string; readonly modelId: string; readonly generation: number }
  | { readonly kind: 'answered'; readonly requestId: string }
  | { readonly kind: 'refused'; readonly requestId: string; readonly code: string }
  /** A load was decided; `reserved` is what all models hold from then on, this one with what it was promised. */
  | { readonly kind: 'started'; readonly modelId: string; readonly reserved: ReadonlyMap<string, DeviceBytes> }
  | { readonly kind: 'spawned'; readonly modelId: string; readonly generation: number }
  | { readonly kind: 'stopping'; readonly modelId: string; readonly askedBy: string }
  | { readonly kind: 'gone'; readonly modelId: string }
  | { readonly kind: 'reservations'; readonly reserved: ReadonlyMap<string, DeviceBytes> };

export type TimedEvent = HistoryEvent & { readonly atMs: number };

export interface History {
  readonly events: readonly TimedEvent[];
  note(event: HistoryEvent): void;
}

export function createHistory(nowMs: () => number): History {
  const events: TimedEvent[] = [];
  return { events, note: (event) => void events.push({ ...event, atMs: nowMs() }) };
}

/**
 * What a history breaks of the scorecard's promises, each by its name: Q1 reservations within the budgets and one process a
 * model, Q2 exactly one outcome a request and none by a process that is gone, Q4 no eviction with a request in flight. Pure.
 *
 * A reservation may come to exceed what was promised at the start, once the process was measured; what is promised must fit
 * beside it at each start, and what was promised must fit at every moment.
 */
export function checkHistory(events: readonly TimedEvent[], budgets: DeviceBytes): string[] {
  const broken: string[] = [];
  const say = (event: TimedEvent, promise: string, what: string): void =>
    void broken.push(`${promise} at ${event.atMs} ms: ${what}`);
  const asked = new Map<string, string[]>();
  const running = new Map<string, { readonly modelId: string; readonly generation: number }>();
  const live = new Map<string, number>();
  const starting = new Set<string>();
  const goneAtMs = new Map<string, number>();
  const promised = new Map<string, DeviceBytes>();

  /** All that is reserved where `startedId` goes; without one, what was promised of it. */
  function checkBudgets(event: TimedEvent, reserved: ReadonlyMap<string, DeviceBytes>, startedId?: string): void {
    for (const [device, budgetBytes] of budgets) {
      if (startedId !== undefined && (reserved.get(startedId)?.get(device) ?? 0) === 0) continue;
      let sum = 0;
      for (const [modelId, bytes] of reserved) {
        const held = bytes.get(device) ?? 0;
        sum += startedId !== undefined ? held : Math.min(held, promised.get(modelId)?.get(device) ?? held);
      }
      if (sum > budgetBytes + 1) say(event, 'Q1', `${sum} bytes of ${device} are reserved, of ${budgetBytes}`);
    }
  }

  for (const event of events) {
    switch (event.kind) {
      case 'asked':
        asked.set(event.requestId, []);
        break;
      case 'served': {
        outcome(event, event.requestId, 'served');
        const { modelId, generation } = event;
        const isLive = live.get(modelId) === generation;
        // The process may have died between the grant and the moment the client heard of it.
        if (!isLive && goneAtMs.get(`${modelId}/${generation}`) !== event.atMs) {
          say(event, 'Q2', `${event.requestId} is served by process ${generation} of ${modelId}, which is no more`);
        }
        if (isLive) running.set(event.requestId, { modelId, generation });
        break;
      }
      case 'answered':
        running.delete(event.requestId);
        break;
      case 'refused':
        outcome(event, event.requestId, event.code);
        break;
      case 'started': {
        const { modelId, reserved } = event;
        if (starting.has(modelId) || live.has(modelId)) say(event, 'Q1', `${modelId} is loaded twice`);
        starting.add(modelId);
        promised.set(modelId, reserved.get(modelId) ?? new Map());
        checkBudgets(event, reserved, modelId);
        break;
      }
      case 'spawned':
        if (live.has(event.modelId)) say(event, 'Q1', `${event.modelId} has two processes`);
        live.set(event.modelId, event.generation);
        break;
      case 'stopping': {
        const inFlight = [...running].filter(([, { modelId }]) => modelId === event.modelId);
        if (inFlight.length > 0 && event.askedBy.startsWith('makes room')) {
          say(event, 'Q4', `${event.modelId} is evicted while it answers ${inFlight.map(([id]) => id).join(', ')}`);
        }
        break;
      }
      case 'gone': {
        starting.delete(event.modelId);
        const generation = live.get(event.modelId);
        if (generation === undefined) break;
        live.delete(event.modelId);
        goneAtMs.set(`${event.modelId}/${generation}`, event.atMs);
        for (const [requestId, { modelId }] of running) if (modelId === event.modelId) running.delete(requestId);
        break;
      }
      case 'reservations':
        checkBudgets(event, event.reserved);
        break;
    }
  }
  for (const [requestId, outcomes] of asked) {
    if (outcomes.length !== 1) {
      broken.push(
        `Q2: ${requestId} has ${outcomes.length} outcomes${outcomes.length > 0 ? `: ${outcomes.join(', ')}` : ''}`,
      );
    }
  }
  return broken;

  function outcome(event: TimedEvent, requestId: string, what: string): void {
    const outcomes = asked.get(requestId);
    if (outcomes === undefined) say(event, 'Q2', `${requestId} has an outcome and was never asked`);
    else outcomes.push(what);
  }
}
