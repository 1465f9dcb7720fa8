import { describe, expect, it } from 'vitest';
import {
  conversationOf,
  createConversations,
  findConversationModel,
} from '../../../electron/engine/proxy/conversations.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';

describe('conversations', () => {
  it('lead to the model that has them, for the lane that began them', () => {
    const conversations = createConversations(createFakeClock());
    conversations.note('ann', 'c1', 'one');
    conversations.note('ann', 'c2', 'two');
    expect(conversations.find('ann', 'c1')).toBe('one');
    expect(conversations.find('ann', 'c2')).toBe('two');
    expect(conversations.find('bob', 'c1')).toBeUndefined();
    expect(conversations.isOfAnother('bob', 'c1')).toBe(true);
    expect(conversations.isOfAnother('ann', 'c1')).toBe(false);
    expect(conversations.isOfAnother('bob', 'c3')).toBe(false);
    conversations.note('ann', 'c1', 'two');
    expect(conversations.find('ann', 'c1')).toBe('two');
  });

  it('are forgotten after an hour, and the oldest when there are too many', () => {
    const clock = createFakeClock();
    const conversations = createConversations(clock);
    conversations.note('ann', 'c1', 'one');
    clock.advance(59 * 60_000);
    expect(conversations.find('ann', 'c1')).toBe('one');
    clock.advance(60_000);
    expect(conversations.find('ann', 'c1')).toBeUndefined();
    for (let index = 0; index <= 10_000; index += 1) conversations.note('ann', `n${index}`, 'one');
    expect(conversations.find('ann', 'n0')).toBeUndefined();
    expect(conversations.find('ann', 'n1')).toBe('one');
    conversations.note('ann', 'x'.repeat(513), 'one');
    expect(conversations.find('ann', 'x'.repeat(513))).toBeUndefined();
  });

  it('are asked for by their id, and by a model where nobody else has them', () => {
    const conversations = createConversations(createFakeClock());
    conversations.note('ann', 'a/b', 'one');
    const find = (search: string, lane = 'ann'): string => findConversationModel(search, lane, conversations).name;
    expect(find('?conv_id=a%2Fb&from=10')).toBe('one');
    expect(find('?conv_id=other&model=two')).toBe('two');
    expect(() => find('?conv_id=other')).toThrow('There is no stream of conversation "other"');
    expect(() => find('?conv_id=a%2Fb&model=one', 'bob')).toThrow('There is no stream of conversation');
    for (const search of ['', '?from=1', '?conv_id=']) expect(() => find(search)).toThrow('?conv_id=');
  });

  it('are named by a header', () => {
    expect(conversationOf({ 'x-conversation-id': 'c1' })).toBe('c1');
    expect(conversationOf({ 'x-conversation-id': '' })).toBeUndefined();
    expect(conversationOf({})).toBeUndefined();
  });
});
