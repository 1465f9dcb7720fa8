import { AppError } from '#shared/contract/errors.ts';

/** Milliseconds in the units of Go's time.ParseDuration, which is what Ollama reads durations with. */
const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

/**
 * `keep_alive` in milliseconds: a number of seconds, or a duration such as `1h30m`. Negative is for good (infinite), 0 means
 * that the model goes with the request. Numbers in quotes are taken for seconds, which Ollama itself would refuse. Undefined
 * if none is given. Throws `invalid-request`.
 */
export function parseKeepAlive(value: unknown): number | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const milliseconds = typeof value === 'number' ? value * 1000 : typeof value === 'string' ? parse(value.trim()) : NaN;
  if (!Number.isFinite(milliseconds)) {
    throw new AppError(
      'invalid-request',
      `keep_alive is not a duration: ${JSON.stringify(value).slice(0, 80)}. Write a number of seconds, or one with units such as "5m"; -1 keeps the ` +
        'model loaded, 0 unloads it.',
    );
  }
  return milliseconds < 0 ? Number.POSITIVE_INFINITY : milliseconds;
}

function parse(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1;
  const plain = text.replace(/^[+-]/, '');
  if (/^\d+(\.\d+)?$/.test(plain)) return sign * Number(plain) * 1000;
  const parts = [...plain.matchAll(part)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== plain) return NaN;
  return sign * parts.reduce((sum, [, amount = '', unit = '']) => sum + Number(amount) * (unitMs[unit] ?? 0), 0);
}
