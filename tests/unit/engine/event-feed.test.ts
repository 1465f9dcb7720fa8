import { describe, expect, it } from 'vitest';
import type { EventBody, NumberedEvent } from '#shared/contract/events.ts';
import { createEventFeed } from '../../../electron/engine/event-feed.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';

const appended = (source: string, lastLine: number): EventBody => ({ type: 'log-appended', source, lastLine });

describe('the event feed', () => {
  it('sends the first change at once, and what follows closely together, each subject once and newest', () => {
    const clock = createFakeClock();
    const feed = createEventFeed(clock);
    const events: NumberedEvent[] = [];
    feed.subscribe((event) => events.push(event));
    let line = 1;
    const mark = (source: string): void => feed.mark(source, () => appended(source, line));
    mark('a');
    clock.advance(0);
    expect(events).toEqual([{ sequence: 1, event: appended('a', 1) }]);
    for (line = 2; line < 1000; line += 1) mark('a');
    mark('b');
    clock.advance(39);
    expect(events).toHaveLength(1);
    clock.advance(1);
    expect(events.slice(1)).toEqual([
      { sequence: 2, event: appended('a', 1000) },
      { sequence: 3, event: appended('b', 1000) },
    ]);
    expect(feed.sequence()).toBe(3);
    clock.advance(1000);
    expect(events).toHaveLength(3);
  });

  it('numbers without gaps for all who listen, whenever they came', () => {
    const clock = createFakeClock();
    const feed = createEventFeed(clock);
    const [early, late]: [number[], number[]] = [[], []];
    feed.subscribe(({ sequence }) => early.push(sequence));
    for (let turn = 0; turn < 3; turn += 1) {
      feed.mark('x', () => appended('x', turn));
      clock.advance(100);
    }
    const sequenceBefore = feed.sequence();
    feed.subscribe(({ sequence }) => late.push(sequence));
    feed.mark('x', () => appended('x', 9));
    clock.advance(100);
    expect(early).toEqual([1, 2, 3, 4]);
    expect(late).toEqual([sequenceBefore + 1]);
  });

  it('costs nothing while nobody listens, and ends with its last listener', () => {
    const clock = createFakeClock();
    const feed = createEventFeed(clock);
    feed.mark('x', () => {
      throw new Error('read for nobody');
    });
    expect(clock.timerCount()).toBe(0);
    const events: NumberedEvent[] = [];
    const leave = feed.subscribe((event) => events.push(event));
    feed.mark('x', () => appended('x', 1));
    leave();
    leave();
    clock.advance(100);
    expect(events).toEqual([]);
  });

  it('lets a listener leave while it is told something', () => {
    const clock = createFakeClock();
    const feed = createEventFeed(clock);
    const seen: string[] = [];
    const leave = feed.subscribe(() => {
      seen.push('one');
      leave();
    });
    feed.subscribe(() => seen.push('two'));
    feed.mark('x', () => appended('x', 1));
    feed.mark('y', () => appended('y', 1));
    clock.advance(100);
    expect(seen).toEqual(['one', 'two', 'two']);
  });

  it('is silent once closed, and leaves no timer', () => {
    const clock = createFakeClock();
    const feed = createEventFeed(clock);
    const events: NumberedEvent[] = [];
    feed.subscribe((event) => events.push(event));
    feed.mark('x', () => appended('x', 1));
    feed.close();
    feed.mark('y', () => appended('y', 1));
    expect(clock.timerCount()).toBe(0);
    clock.advance(100);
    expect(events).toEqual([]);
  });
});
