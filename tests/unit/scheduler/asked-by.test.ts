import { describe, expect, it } from 'vitest';
import { createWorld } from './support/scheduler-world.ts';

const sets = [{ name: 'coding', models: ['a', 'b'], isExclusive: false, isByName: true }];

describe('a set of models that are together by its name only', () => {
  it('is loaded side by side, in one place', async () => {
    const world = createWorld({ a: {}, b: {}, c: {} }, { sets });
    const asked = world.ask('a', { setName: 'coding' });
    void world.load('b', 'coding');
    await world.pass(300);
    asked.lease?.release();
    expect([world.state('a'), world.state('b')]).toEqual(['ready', 'ready']);
    const other = world.ask('c');
    await world.pass(300);
    other.lease?.release();
    expect([world.state('a'), world.state('b'), world.state('c')]).toEqual(['off', 'off', 'ready']);
  });

  it('is broken up by asking for one of its members alone; what runs on the others ends first', async () => {
    const world = createWorld({ a: {}, b: {} }, { sets });
    const asked = world.ask('a', { setName: 'coding' });
    void world.load('b', 'coding');
    await world.pass(300);
    const alone = world.ask('b');
    await world.pass(50);
    expect(alone.lease).toBeDefined();
    expect(world.state('a')).toBe('draining');
    asked.lease?.release();
    await world.pass(50);
    expect([world.state('a'), world.state('b')]).toEqual(['off', 'ready']);
  });

  it('bears none of its members that came by its own name', async () => {
    const world = createWorld({ a: {}, b: {} }, { sets });
    const first = world.ask('a');
    await world.pass(200);
    first.lease?.release();
    const second = world.ask('b');
    await world.pass(300);
    second.lease?.release();
    expect([world.state('a'), world.state('b')]).toEqual(['off', 'ready']);
  });

  it('keeps a member that is loaded already when it is asked for', async () => {
    const world = createWorld({ a: {}, b: {} }, { sets });
    const running = world.ask('b');
    await world.pass(200);
    const asked = world.ask('a', { setName: 'coding' });
    void world.load('b', 'coding');
    await world.pass(300);
    expect(asked.lease).toBeDefined();
    expect(running.lease?.endpoint.origin).toBe('http://b/1');
    expect([world.state('a'), world.state('b')]).toEqual(['ready', 'ready']);
  });
});
