import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { editConfig, type ConfigEdit } from '../../../electron/engine/config/edit-config.ts';
import { valueAt, withValueAt } from '../../../electron/engine/config/json-value.ts';
import { readYaml } from '../../../electron/engine/config/read-yaml.ts';

/** As somebody might have written it over time: odd spaces, several styles, comments everywhere. */
const file = `# yaml-language-server: $schema=./corral.schema.json
# my file

server:
  port: 5526      # the usual
  host:           # not set
  apiKeys:
    - name: ann   # desktop
      key: "\${env.TOKEN}"
    - { name: bob,   key: 'k2' }


defaults: &d
  ttl: 30m
  queue: &q { max: 3,   maxWait: 5m }
models:
  # about all models

  # first
  a:
    file: "q.gguf"   # quoted
    args: [ --threads, 8 ,]  # c
    ttl: &t 5m
    env:
      A: '1'

  # second
  b: {file: b.gguf, ttl: *t, queue: *q}

  # third
  # over two lines
  1.10:
      command: 'x y'
      aliases:
      - one   # 1
      - two   # 2

      - three # 3
  # d:
  #   file: z
pools:

# the end
`;

function valueOf(text: string): unknown {
  const yaml = readYaml(text);
  if (!yaml.ok) throw new Error(JSON.stringify(yaml.issues));
  return yaml.value ?? {};
}

function edit(text: string, ...edits: [ConfigEdit['path'], unknown?][]): string {
  return editConfig({ text, edits: edits.map(([path, value]) => ({ path, value })) });
}

/** The lines that are only in the one, and only in the other, as `- line` and `+ line`. */
function difference(before: string, after: string): string[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  const lengths = Array.from({ length: old.length + 1 }, () => new Array<number>(now.length + 1).fill(0));
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      lengths[i]![j] =
        old[i] === now[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  const found: string[] = [];
  for (let i = 0, j = 0; i < old.length || j < now.length;) {
    if (i < old.length && j < now.length && old[i] === now[j]) [i, j] = [i + 1, j + 1];
    else if (i < old.length && (j >= now.length || lengths[i + 1]![j]! >= lengths[i]![j + 1]!))
      found.push(`-${old[i++]}`);
    else found.push(`+${now[j++]}`);
  }
  return found;
}

describe('editConfig', () => {
  it.each([
    ['a number', ['server', 'port'], 80, ['-  port: 5526      # the usual', '+  port: 80      # the usual']],
    [
      'a key without a value',
      ['server', 'host'],
      '::1',
      ['-  host:           # not set', '+  host: ::1           # not set'],
    ],
    [
      'a quoted text',
      ['models', 'a', 'file'],
      'z.gguf',
      ['-    file: "q.gguf"   # quoted', '+    file: "z.gguf"   # quoted'],
    ],
    [
      'an entry of a flow map in a list',
      ['server', 'apiKeys', 1, 'key'],
      "it's",
      ["-    - { name: bob,   key: 'k2' }", "+    - { name: bob,   key: 'it''s' }"],
    ],
    [
      'a list, entry by entry',
      ['models', 'a', 'args'],
      ['--threads', 8, 'a, b'],
      ['-    args: [ --threads, 8 ,]  # c', '+    args: [ --threads, 8, "a, b" ,]  # c'],
    ],
    [
      'a text by a list',
      ['models', '1.10', 'command'],
      ['x', 'y z'],
      ["-      command: 'x y'", "+      command: ['x', 'y z']"],
    ],
    ['a text that looks like a number', ['models', 'a', 'env', 'B'], '1.10', ['+      B: "1.10"']],
    [
      'a new key of a flow map',
      ['models', 'b', 'pinned'],
      true,
      ['-  b: {file: b.gguf, ttl: *t, queue: *q}', '+  b: {file: b.gguf, ttl: *t, queue: *q, pinned: true}'],
    ],
    ['a new section', ['memory', 'maxLoaded'], 3, ['+memory:', '+  maxLoaded: 3']],
    [
      'a new model',
      ['models', 'new'],
      { file: '~/n.gguf', args: ['a', 'b'], env: { X: 'y' } },
      ['+  new:', '+    file: ~/n.gguf', '+    args: [a, b]', '+    env:', '+      X: y'],
    ],
    [
      'a new entry of a list of maps',
      ['server', 'apiKeys', 2],
      { name: 'c', key: 'k3' },
      ['+    - name: c', '+      key: k3'],
    ],
    [
      'what is under an empty key',
      ['pools', 'p', 'endpoints', 0, 'url'],
      'http://x',
      ['+  p:', '+    endpoints:', '+      - url: http://x'],
    ],
    ['nothing', ['server', 'port'], 5526, []],
    ['nothing in a group', ['models', 'a', 'env'], { A: '1' }, []],
  ] as [string, ConfigEdit['path'], unknown, string[]][])(
    'sets %s and touches nothing else',
    (_, path, value, lines) => {
      const edited = edit(file, [path, value]);
      expect(difference(file, edited)).toEqual(lines);
      const found = valueAt(valueOf(edited), path);
      // Arguments are text, however they are spelled.
      expect(path.includes('args') ? found : [found]).toEqual(
        path.includes('args') ? ['--threads', '8', 'a, b'] : [value],
      );
    },
  );

  it.each([
    [
      'an entry with its comments',
      ['models', '1.10'],
      [
        '-  # third',
        '-  # over two lines',
        '-  1.10:',
        "-      command: 'x y'",
        '-      aliases:',
        '-      - one   # 1',
        '-      - two   # 2',
        '-',
        '-      - three # 3',
      ],
    ],
    ['an entry of a list', ['models', '1.10', 'aliases', 1], ['-      - two   # 2']],
    ['the last key of a group', ['models', 'a', 'env', 'A'], ['-    env:', "-      A: '1'", '+    env: {}']],
    [
      'the key behind a dash',
      ['server', 'apiKeys', 0, 'name'],
      ['-    - name: ann   # desktop', '-      key: "${env.TOKEN}"', '+    - key: "${env.TOKEN}"'],
    ],
    [
      'an entry of a flow list',
      ['models', 'a', 'args', 0],
      ['-    args: [ --threads, 8 ,]  # c', '+    args: [ 8 ,]  # c'],
    ],
    ['what is not there', ['models', 'x', 'ttl'], []],
  ] as [string, ConfigEdit['path'], string[]][])('removes %s', (_, path, lines) => {
    expect(difference(file, edit(file, [path]))).toEqual(lines);
  });

  it('keeps an edit from spreading through aliases, in both directions', () => {
    const anchor = edit(file, [['models', 'a', 'ttl'], '9m']);
    expect(valueAt(valueOf(anchor), ['models', 'a', 'ttl'])).toBe('9m');
    expect(valueAt(valueOf(anchor), ['models', 'b', 'ttl'])).toBe('5m');
    const alias = edit(file, [['models', 'b', 'queue', 'max'], 9]);
    expect(valueAt(valueOf(alias), ['models', 'b', 'queue'])).toEqual({ max: 9, maxWait: '5m' });
    expect(valueAt(valueOf(alias), ['defaults', 'queue', 'max'])).toBe(3);
    const removed = edit(file, [['models', 'a']]);
    expect(valueAt(valueOf(removed), ['models', 'b', 'ttl'])).toBe('5m');
    const smuggled = 'models:\n  a: { file: f, aliases: &x [one] }\n  b: { file: f, args: *x }\n';
    expect(valueAt(valueOf(edit(smuggled, [['models', 'a', 'aliases'], ['two']])), ['models', 'b', 'args'])).toEqual([
      'one',
    ]);
  });

  it('keeps anchors, comments and everything else where one list is put in place of another', () => {
    const edited = edit(file, [
      ['models', '1.10', 'aliases'],
      ['one', 'three'],
    ]);
    expect(difference(file, edited)).toEqual(['-      - two   # 2']);
  });

  it('keeps JSON JSON, in the way it is laid out', () => {
    const json = '{\n    "server": {\n        "port": 1\n    },\n    "models": {}\n}\n';
    const edited = edit(json, [['server', 'host'], '::1'], [['models', 'a', 'args'], ['x']], [['server', 'port']]);
    expect(JSON.parse(edited)).toEqual({ server: { host: '::1' }, models: { a: { args: ['x'] } } });
    expect(edited).toBe(
      '{\n    "server": {\n        "host": "::1"\n    },\n    "models": {\n        "a": {\n            "args": [\n                "x"\n            ]\n        }\n    }\n}\n',
    );
    expect(edit('{"log":{"level":"info"}}', [['log', 'level'], 'debug'])).toBe('{"log":{"level":"debug"}}');
    expect(JSON.parse(edit('{}', [['log', 'level'], 'debug']))).toEqual({ log: { level: 'debug' } });
  });

  it.each([
    ['an empty file', '', 'log:\n  level: debug\n'],
    ['only comments', '# head', '# head\nlog:\n  level: debug\n'],
    ['a file without a last line end', 'server:\n  port: 1', 'server:\n  port: 1\nlog:\n  level: debug\n'],
    ['line ends of Windows', 'server:\r\n  port: 1 # p\r\n', 'server:\r\n  port: 1 # p\r\nlog:\r\n  level: debug\r\n'],
    ['a byte order mark', '\uFEFFserver: {}\n', '\uFEFFserver: {}\nlog:\n  level: debug\n'],
    ['wide indentation', 'server:\n    port: 1\n', 'server:\n    port: 1\nlog:\n    level: debug\n'],
    ['an empty flow map', 'log: {} # l\n', 'log: # l\n  level: debug\n'],
    ['a document marker', '---\nlog:\n', '---\nlog:\n  level: debug\n'],
    ['a block text before it', 'a: |\n  x\n\n  y\n', 'a: |\n  x\n\n  y\nlog:\n  level: debug\n'],
  ])('works in %s', (_, text, expected) => {
    expect(edit(text, [['log', 'level'], 'debug'])).toBe(expected);
  });

  it('falls back on the library for what cannot be cut, and keeps comments then too', () => {
    const edited = edit('? server\n: { port: 1 } # p\nlog: {}\n', [['server'], { port: 2, host: 'a' }]);
    expect(valueOf(edited)).toEqual({ server: { port: 2, host: 'a' }, log: {} });
    expect(edited).toContain('# p');
  });

  it.each([
    ['an empty path', [], 1],
    ['__proto__', ['models', '__proto__', 'x'], 1],
    ['constructor', ['constructor'], 1],
    ['a path through a value', ['server', 'port', 'x'], 1],
    ['a name in a list', ['server', 'apiKeys', 'x'], 1],
    ['a position far behind the end', ['server', 'apiKeys', 9], 1],
    ['a negative position', ['server', 'apiKeys', -1], 1],
    ['a fraction', ['server', 'apiKeys', 0.5], 1],
    ['no number', ['server', 'port'], Number.NaN],
    ['a function', ['server', 'port'], () => 1],
    ['a date', ['server', 'port'], new Date(0)],
    ['a value that would change a prototype', ['models', 'x'], JSON.parse('{"__proto__":{"command":"x"}}')],
  ] as [string, ConfigEdit['path'], unknown][])('refuses %s', (_, path, value) => {
    expect(() => edit(file, [path, value])).toThrow(expect.objectContaining({ code: 'invalid-request' }) as Error);
  });

  it('refuses to edit what is not YAML, without quoting it', () => {
    const broken = (): string => edit('key: "s3cret\n', [['a'], 1]);
    expect(broken).toThrow(expect.objectContaining({ code: 'config-invalid' }) as Error);
    expect(broken).not.toThrow(/s3cret/);
  });

  const places = pathsIn(valueOf(file), []);
  const anyScalar = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'a: b',
      '# x',
      '*t',
      '&t',
      '- x',
      '1.10',
      'true',
      'null',
      '',
      ' ',
      'x\ny',
      '\t',
      '${env.X}',
      '"',
      "'",
    ),
    fc.integer(),
    fc.boolean(),
  );
  const anyValue = fc.oneof(
    anyScalar,
    fc.array(anyScalar, { maxLength: 4 }),
    fc.dictionary(
      fc.string({ minLength: 1 }).filter((name) => !/^(__proto__|constructor|prototype)$/.test(name)),
      anyScalar,
      {
        maxKeys: 4,
        noNullPrototype: true,
      },
    ),
    fc.constant(undefined),
  );
  const anyEdit = fc.tuple(
    fc.constantFrom(...places),
    fc.option(fc.string({ minLength: 1 }), { nil: undefined, freq: 4 }),
    anyValue,
  );

  const windowsFile = file.replaceAll('\n', '\r\n');
  const jsonFile = JSON.stringify(valueOf(file), null, 2);
  const begun = new Map([file, windowsFile, jsonFile].map((text) => [text, valueOf(text)]));
  const isLong = process.env['CORRAL_TEST_LONG'] === '1';

  it(
    `changes exactly what it was asked to, whatever that is, and stays readable (${isLong ? 'long' : 'short'} form)`,
    () => {
      fc.assert(
        fc.property(
          fc.array(anyEdit, { minLength: 1, maxLength: 4 }),
          // JSON has few forms to go wrong with.
          fc.constantFrom(file, file, windowsFile, windowsFile, jsonFile),
          (edits, beginning) => {
            let text = beginning;
            let before = begun.get(beginning);
            for (const [place, name, value] of edits) {
              const parent = valueAt(before, place);
              const isGroup = typeof parent === 'object' && parent !== null && !Array.isArray(parent);
              const path = name !== undefined && isGroup ? [...place, name] : place;
              let edited: string;
              try {
                edited = edit(text, [path, value]);
              } catch (error) {
                // Earlier edits may have taken the place away.
                expect(error).toMatchObject({ code: 'invalid-request' });
                expect((error as Error).message).not.toContain('in a way that cannot be edited');
                continue;
              }
              const after = valueOf(edited);
              if (valueAt(before, path.slice(0, -1)) !== undefined && valueAt(before, path.slice(0, -1)) !== null) {
                const expected = withValueAt(before, path, value);
                expect(textual(after)).toEqual(textual(expected));
              }
              if (beginning === jsonFile) JSON.parse(edited);
              text = edited;
              before = after;
            }
          },
        ),
        { numRuns: isLong ? 3000 : 150 },
      );
    },
    isLong ? 600_000 : undefined,
  );

  it('keeps every comment of what is not edited', () => {
    const scalars = places.filter((path) => typeof valueAt(valueOf(file), path) !== 'object');
    for (const path of scalars) {
      const edited = edit(file, [path, 'changed']);
      expect(edited.match(/#.*/g)).toEqual(file.match(/#.*/g));
      expect(parseDocument(edited).errors).toEqual([]);
    }
  });
});

function pathsIn(value: unknown, at: (string | number)[]): (string | number)[][] {
  if (Array.isArray(value))
    return [...(at.length > 0 ? [at] : []), ...value.flatMap((entry, index) => pathsIn(entry, [...at, index]))];
  if (typeof value !== 'object' || value === null) return [at];
  return [
    ...(at.length > 0 ? [at] : []),
    ...Object.entries(value).flatMap(([name, entry]) => pathsIn(entry, [...at, name])),
  ];
}

/** Arguments and variables come back as text; keys without a value as null. */
function textual(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, entry: unknown) =>
    typeof entry === 'number' ? String(entry) : entry,
  ) as unknown;
}
