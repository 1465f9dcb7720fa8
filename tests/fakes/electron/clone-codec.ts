/**
 * Structured clones as text, for what crosses between the main process and a page: Electron sends clones, the page's
 * protocol sends JSON. Runs on both sides. What no clone can be made of (a function, a symbol) throws a `DataCloneError`
 * as Electron's `send` and `invoke` do.
 */

type Encoded =
  | readonly ['value', string | boolean | number | null]
  | readonly ['undefined']
  | readonly ['number', 'NaN' | 'Infinity' | '-Infinity' | '-0']
  | readonly ['bigint' | 'date' | 'bytes', string | number | null]
  | readonly ['view', string, string]
  | readonly ['regexp', string, string]
  | readonly ['error', string, string, string]
  | readonly ['array' | 'set', readonly number[]]
  | readonly ['map', readonly (readonly [number, number])[]]
  | readonly ['object', readonly (readonly [string, number])[]];

const viewTypes = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
} as const;

const errorTypes = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError } as const;

export function encodeClone(value: unknown): string {
  const table: (Encoded | undefined)[] = [];
  const numbers = new Map<object, number>();

  const place = (item: unknown): number => {
    if (typeof item === 'object' && item !== null) {
      const known = numbers.get(item);
      if (known !== undefined) return known;
    }
    const number = table.push(undefined) - 1;
    if (typeof item === 'object' && item !== null) numbers.set(item, number);
    table[number] = encodeOne(item, place);
    return number;
  };

  place(structuredClone(value));
  return JSON.stringify(table);
}

function encodeOne(item: unknown, place: (item: unknown) => number): Encoded {
  if (item === undefined) return ['undefined'];
  if (typeof item === 'bigint') return ['bigint', String(item)];
  if (typeof item === 'number') {
    if (Object.is(item, -0)) return ['number', '-0'];
    return Number.isFinite(item) ? ['value', item] : ['number', item > 0 ? 'Infinity' : item < 0 ? '-Infinity' : 'NaN'];
  }
  if (item === null || typeof item === 'string' || typeof item === 'boolean') return ['value', item];
  if (typeof item !== 'object') throw new DOMException('An object could not be cloned.', 'DataCloneError');
  if (Array.isArray(item)) return ['array', item.map(place)];
  if (item instanceof Date) return ['date', Number.isNaN(item.getTime()) ? null : item.getTime()];
  if (item instanceof RegExp) return ['regexp', item.source, item.flags];
  if (item instanceof Map) return ['map', [...item].map(([key, each]) => [place(key), place(each)] as const)];
  if (item instanceof Set) return ['set', [...item].map(place)];
  if (item instanceof ArrayBuffer) return ['bytes', toHex(new Uint8Array(item))];
  if (ArrayBuffer.isView(item)) {
    const bytes = new Uint8Array(item.buffer, item.byteOffset, item.byteLength);
    return ['view', item.constructor.name in viewTypes ? item.constructor.name : 'Uint8Array', toHex(bytes)];
  }
  if (item instanceof Error) {
    return ['error', item.name, item.message, item.stack ?? ''];
  }
  return ['object', Object.entries(item).map(([key, each]) => [key, place(each)] as const)];
}

export function decodeClone(text: string): unknown {
  const table = JSON.parse(text) as Encoded[];
  const built = new Map<number, unknown>();

  const take = (number: number): unknown => {
    if (built.has(number)) return built.get(number);
    const entry = table[number];
    if (entry === undefined) throw new Error('A clone refers to an item that it does not have.');
    const keep = <Value>(value: Value): Value => {
      built.set(number, value);
      return value;
    };
    switch (entry[0]) {
      case 'array': {
        const array: unknown[] = keep([]);
        for (const each of entry[1]) array.push(take(each));
        return array;
      }
      case 'set': {
        const set = keep(new Set());
        for (const each of entry[1]) set.add(take(each));
        return set;
      }
      case 'map': {
        const map = keep(new Map());
        for (const [key, each] of entry[1]) map.set(take(key), take(each));
        return map;
      }
      case 'object': {
        const object: Record<string, unknown> = keep({});
        for (const [key, each] of entry[1])
          Object.defineProperty(object, key, {
            value: take(each),
            enumerable: true,
            writable: true,
            configurable: true,
          });
        return object;
      }
      default:
        return keep(decodeLeaf(entry));
    }
  };

  return take(0);
}

function decodeLeaf(entry: Encoded): unknown {
  switch (entry[0]) {
    case 'undefined':
      return undefined;
    case 'number':
      return Number(entry[1]);
    case 'bigint':
      return BigInt(String(entry[1]));
    case 'date':
      return new Date(entry[1] === null ? Number.NaN : Number(entry[1]));
    case 'regexp':
      return new RegExp(entry[1], entry[2]);
    case 'bytes':
      return fromHex(String(entry[1]));
    case 'view':
      return new viewTypes[entry[1] as keyof typeof viewTypes](fromHex(entry[2]));
    case 'error': {
      const Type = errorTypes[entry[1] as keyof typeof errorTypes] as ErrorConstructor | undefined;
      const error = new (Type ?? Error)(entry[2]);
      error.stack = entry[3];
      return error;
    }
    case 'value':
      return entry[1];
    default:
      throw new Error(`A clone has an item of an unknown kind: ${entry[0]}.`);
  }
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function fromHex(hex: string): ArrayBuffer {
  const bytes = new Uint8Array(hex.length / 2);
  for (let index = 0; index < bytes.length; index += 1)
    bytes[index] = Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16);
  return bytes.buffer;
}
