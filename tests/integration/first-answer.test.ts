import { afterEach, describe, expect, it } from 'vitest';
import { eventually, fakeModel, startCorral, type TestCorral } from './support/corral.ts';

let corral: TestCorral;
afterEach(() => corral.stop());

describe('a request for a model', () => {
  it('starts it and is answered by it', async () => {
    corral = await startCorral({ models: { one: fakeModel({ name: 'one' }) } });
    expect(corral.model('one').state).toBe('off');
    expect(await corral.chat('one')).toContain('one-token-1');
    expect(corral.model('one').state).toBe('ready');
  });

  it('swaps it in for another one where there is room for one', async () => {
    corral = await startCorral({
      memory: { maxLoaded: 1 },
      models: { one: fakeModel({ name: 'one' }), two: fakeModel({ name: 'two' }) },
    });
    expect(await corral.chat('one')).toContain('one-token-1');
    expect(await corral.chat('two')).toContain('two-token-1');
    expect(corral.model('one').state).toBe('off');
    expect(await corral.chat('one')).toContain('one-token-1');
    expect(await corral.folder.liveProcesses()).toHaveLength(1);
  });

  it('starts it once for 64 that come at the same time, and answers all', async () => {
    corral = await startCorral({ models: { one: fakeModel({ name: 'one', loadDelayMs: 300, slots: 8 }) } });
    const answers = await Promise.all(Array.from({ length: 64 }, () => corral.chat('one')));
    expect(answers.every((answer) => answer.includes('one-token-1'))).toBe(true);
    const { lines } = await corral.bridge.call('read-logs', { source: 'one' });
    expect(lines.filter((line) => line.text.startsWith('[corral] starts'))).toHaveLength(1);
  });

  it('never gives a model more requests than it has slots', async () => {
    corral = await startCorral({ models: { one: fakeModel({ slots: 3, tokenDelayMs: 20 }) } });
    await Promise.all(Array.from({ length: 20 }, () => corral.chat('one')));
    const response = await fetch(`http://${corral.model('one').address ?? ''}/fake/stats`);
    expect(await response.json()).toMatchObject({ maxInFlight: 3, completed: 20 });
  });

  it('keeps several loaded where there is room, and takes the least recently used away first', async () => {
    corral = await startCorral({
      memory: { maxLoaded: 2 },
      models: { a: fakeModel({ name: 'a' }), b: fakeModel({ name: 'b' }), c: fakeModel({ name: 'c' }) },
    });
    await corral.chat('a');
    await corral.chat('b');
    await corral.chat('a');
    await corral.chat('c');
    expect(corral.engine.snapshot().models.map(({ id, state }) => `${id} ${state}`)).toEqual([
      'a ready',
      'b off',
      'c ready',
    ]);
  });

  it('Q4 does not evict a model that answers: the other one waits', async () => {
    corral = await startCorral({
      memory: { maxLoaded: 1 },
      models: { slow: fakeModel({ name: 'slow', tokens: 20, tokenDelayMs: 30 }), other: fakeModel({ name: 'other' }) },
    });
    await corral.chat('slow');
    const order: string[] = [];
    const slow = corral.chat('slow').then((answer) => order.push('slow') && answer);
    await eventually('slow answers', () => corral.model('slow').activeRequests === 1);
    const other = corral.chat('other').then(() => order.push('other'));
    await eventually('other waits for room', () => corral.engine.snapshot().queue[0]?.waitsFor === 'room');
    expect(await slow).toContain('slow-token-20');
    await other;
    expect(order).toEqual(['slow', 'other']);
  });

  it('unloads a model that has been idle for its ttl, and leaves a pinned one', async () => {
    corral = await startCorral({
      memory: { maxLoaded: 2 },
      models: { short: fakeModel({}, { ttl: '300ms' }), kept: fakeModel({}, { ttl: '300ms', pinned: true }) },
    });
    await Promise.all([corral.chat('short'), corral.chat('kept')]);
    await eventually('short is unloaded', () => corral.model('short').state === 'off', 3000);
    expect(corral.model('short').lastExit?.askedBy).toContain('idle');
    expect(corral.model('kept').state).toBe('ready');
  });

  it('loads startup models by itself', async () => {
    corral = await startCorral({ models: { early: fakeModel({}, { startup: true }) } });
    await eventually('early is ready', () => corral.model('early').state === 'ready');
  });
});
