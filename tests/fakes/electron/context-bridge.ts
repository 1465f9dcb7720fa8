/**
 * What crosses Electron's context bridge: values are copied and frozen, functions and promises stand in for their
 * originals, prototypes are left behind. Both directions alike, for what is exposed and for what functions take and give.
 */
export function toExposed(value: unknown, seen = new Map<object, unknown>()): unknown {
  if (typeof value === 'function') {
    const original = value as (...args: unknown[]) => unknown;
    return (...args: unknown[]): unknown => {
      try {
        return toExposed(original(...args.map((arg) => toExposed(arg))));
      } catch (thrown) {
        throw copyError(thrown);
      }
    };
  }
  if (typeof value === 'symbol') throw new Error('A symbol cannot cross the context bridge.');
  if (typeof value !== 'object' || value === null) return value;
  const known = seen.get(value);
  if (known !== undefined) return known;
  if (value instanceof Promise) {
    return value.then(
      (result: unknown) => toExposed(result),
      (thrown: unknown) => {
        throw copyError(thrown);
      },
    );
  }
  if (value instanceof Error) return copyError(value);
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    seen.set(value, copy);
    for (const each of value) copy.push(toExposed(each, seen));
    return Object.freeze(copy);
  }
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof Date) return structuredClone(value);
  if (value instanceof Map || value instanceof Set || value instanceof RegExp) return structuredClone(value);
  const copy: Record<string, unknown> = {};
  seen.set(value, copy);
  for (const [key, each] of Object.entries(value)) copy[key] = toExposed(each, seen);
  return Object.freeze(copy);
}

/** Only the message of an error crosses. */
function copyError(thrown: unknown): Error {
  return new Error(thrown instanceof Error ? thrown.message : String(thrown));
}
