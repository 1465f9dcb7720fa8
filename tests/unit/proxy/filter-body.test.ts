import { describe, expect, it } from 'vitest';
import { filterBody } from '../../../electron/engine/proxy/filter-body.ts';
import { findJsonKeys } from '../../../electron/engine/proxy/find-json-keys.ts';
import { AppError } from '../../../shared/contract/errors.ts';

const filter = (text: string, strip: string[] = [], set: Record<string, unknown> = {}): unknown =>
  JSON.parse(filterBody(Buffer.from(text), { strip, set }, 'a').toString('utf8'));

describe('filterBody', () => {
  it('strips and sets, and leaves the rest', () => {
    expect(
      filter('{"model":"a","temperature":2,"top_p":1,"x":[1,{"temperature":3}]}', ['temperature'], {
        top_k: 4,
        top_p: 0.5,
      }),
    ).toEqual({
      model: 'a',
      top_p: 0.5,
      top_k: 4,
      x: [1, { temperature: 3 }],
    });
  });

  it('never touches the model’s name', () => {
    expect(filter('{"model":"a"}', ['model'], { model: 'b' })).toEqual({ model: 'a' });
  });

  it('tells the server another name of the model where a filter says so', () => {
    const body = filterBody(Buffer.from('{"model":"a","x":1}'), { strip: [], set: {}, model: 'org/a' }, 'a');
    expect(JSON.parse(body.toString())).toEqual({ model: 'org/a', x: 1 });
  });

  it('sets what belongs to the name the request used, over what is set for all', () => {
    const filters = { strip: [], set: { effort: 'low', top_k: 1 }, setFor: { 'a:high': { effort: 'high' } } };
    const asked = (name: string): unknown =>
      JSON.parse(filterBody(Buffer.from(JSON.stringify({ model: name })), filters, name).toString());
    expect(asked('a')).toEqual({ model: 'a', effort: 'low', top_k: 1 });
    expect(asked('a:high')).toEqual({ model: 'a:high', effort: 'high', top_k: 1 });
    expect(asked('constructor')).toEqual({ model: 'constructor', effort: 'low', top_k: 1 });
  });

  it('takes names that mean something to objects for plain names', () => {
    const text = filterBody(
      Buffer.from('{"model":"a","__proto__":{"x":1},"constructor":2}'),
      {
        strip: ['constructor'],
        set: {},
      },
      'a',
    ).toString();
    expect(text).toBe('{"model":"a","__proto__":{"x":1}}');
  });

  // The search for the keys passes over what is wrong within a string; here it comes to light.
  it.each([
    ['a byte order mark', '\uFEFF{"model":"a"}'],
    ['a line break in a string', '{"model":"a","messages":"canary-prompt\n"}'],
    ['an escape that there is not', String.raw`{"model":"a","messages":"canary-prompt\q"}`],
  ])('refuses, or puts up with, %s: it is no defect of Corral, and not repeated', (_what, text) => {
    expect(findJsonKeys(Buffer.from(text)).ok).toBe(true);
    let thrown: unknown;
    try {
      filterBody(Buffer.from(text), { strip: [], set: { top_k: 1 } }, 'a');
    } catch (error) {
      thrown = error;
    }
    if (thrown === undefined) return;
    expect(thrown).toBeInstanceOf(AppError);
    expect(thrown).toMatchObject({ code: 'invalid-request' });
    expect((thrown as Error).message).not.toContain('canary');
  });
});
