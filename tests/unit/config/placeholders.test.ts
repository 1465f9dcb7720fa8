import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandText, fillPlaceholders, startPlaceholders } from '../../../electron/engine/config/placeholders.ts';

const variables: Readonly<Record<string, string>> = {
  NAME: 'value',
  EMPTY: '',
  TRICKY: '${PORT}$${x',
  'ProgramFiles(x86)': 'C:\\P',
};
const lookUp = (name: string): string | undefined => variables[name];

describe('expandText', () => {
  it.each([
    ['plain $ {x}', 'plain $ {x}'],
    ['${env.NAME}/${env.NAME}', 'value/value'],
    ['a${env.EMPTY}b', 'ab'],
    ['$${env.NAME}', '${env.NAME}'],
    ['${env.ProgramFiles(x86)}', 'C:\\P'],
    ['${env.TRICKY}', '${PORT}$${x'],
  ])('makes of %j %j', (text, expected) => {
    expect(expandText(text, [], lookUp)).toEqual({ text: expected, problems: [] });
  });

  it.each([
    ['${env.MISSING}', /MISSING, which is not set/],
    ['${PORT}', /unknown \$\{PORT\}; known here: \$\{env\.NAME\}/],
    ['${open', /without its \}/],
    ['${}', /unknown \$\{\}/],
  ])('finds a problem in %j', (text, problem) => {
    expect(expandText(text, [], lookUp).problems).toEqual([expect.stringMatching(problem)]);
  });

  it('leaves the names of a command for later, and names them when another is written', () => {
    expect(expandText('${PORT} $${x} ${env.NAME}', startPlaceholders, lookUp)).toEqual({
      text: '${PORT} $${x} value',
      problems: [],
    });
    expect(expandText('${PROT}', startPlaceholders, lookUp).problems[0]).toContain(
      'known here: ${PORT}, ${HOST}, ${MODEL_ID}, ${env.NAME}',
    );
  });
});

describe('fillPlaceholders', () => {
  it('fills in, undoes escapes, and never looks at what it filled in', () => {
    expect(fillPlaceholders('${PORT}:$${PORT}:${MODEL_ID}', { PORT: '1', MODEL_ID: '${PORT}' })).toBe(
      '1:${PORT}:${PORT}',
    );
  });

  it('passes on the value of any variable as it is, whatever it looks like', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('$', '{', '}', 'PORT', '${PORT}', '$${', 'a')).map((parts) => parts.join('')),
        (value) => {
          const { text } = expandText('<${env.X}>', startPlaceholders, () => value);
          expect(fillPlaceholders(text, { PORT: '1' })).toBe(`<${value}>`);
        },
      ),
    );
  });
});
