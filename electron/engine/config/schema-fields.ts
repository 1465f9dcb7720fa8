import { isIP } from 'node:net';
import { z } from 'zod';
import { parseDuration, parseSize } from '#shared/model/units.ts';

/** The kinds of values that several sections of the configuration share. Messages never repeat what was written: it may be a secret. */

const DURATION_HELP = 'must be a duration with its unit, such as 30s, 10m or 1h30m, or 0';
const SIZE_HELP = 'must be a size with its unit, such as 512MiB or 8GiB, or 0';

/** Written as text with a unit; read as milliseconds. */
export const durationField = z
  .union([z.string().refine((text) => parseDuration(text) !== undefined, DURATION_HELP), z.literal(0)], {
    error: DURATION_HELP,
  })
  .transform((written) => parseDuration(String(written)) ?? 0);

/** A duration that makes no sense as 0: a deadline. */
export const positiveDurationField = durationField.refine((ms) => ms > 0, 'must be longer than 0');

/** Written as text with a unit; read as bytes. */
export const sizeField = z
  .union([z.string().refine((text) => parseSize(text) !== undefined, SIZE_HELP), z.literal(0)], { error: SIZE_HELP })
  .transform((written) => parseSize(String(written)) ?? 0);

/** For keys whose name already says bytes: a size, or a plain number. */
export const bytesField = z
  .union([z.string().refine((text) => parseSize(text) !== undefined, SIZE_HELP), z.int().min(0)], {
    error: 'must be a number of bytes, or a size such as 64MiB',
  })
  .transform((written) => (typeof written === 'number' ? written : (parseSize(written) ?? 0)));

/** A child on this machine or another, over plain HTTP; a path goes in front of every route. */
export const proxyField = z.string().refine((text) => {
  if (!URL.canParse(text)) return false;
  const { protocol, search, hash, username, hostname } = new URL(text);
  return protocol === 'http:' && hostname !== '' && search === '' && hash === '' && username === '';
}, 'must be an address such as http://127.0.0.1:8999');

/** The native address's, clear of what common programs use. */
export const DEFAULT_PORT = 5526;

export const portField = z.int().min(0).max(65_535);

export const priorityField = z.int().min(-1000).max(1000);

export const nonEmptyText = z.string().min(1, 'must not be empty');

/** Text handed to a child process: C strings end at NUL, so none can carry one. */
const childText = z.string().refine((text) => !text.includes('\0'), 'must not contain a NUL character');

/** An argument or variable of a child. Numbers are welcome unquoted; their exact spelling is kept by `read-yaml.ts`. */
export const childTextField = z
  .union([childText, z.number()], { error: 'must be text or a number; put quotes around anything else' })
  .transform(String);

export const environmentField = z.record(
  z.string().regex(/^[^=\0]+$/, 'the name of an environment variable must not be empty or contain ='),
  childTextField,
);

/** `${env.…}` and quoting are dealt with before the schema sees a command, so a string is valid only as input. */
export const commandField = z
  .union([z.array(childTextField).min(1, 'must name a program'), z.string()], {
    error: 'must be a list of words, or one string that is split like in a POSIX shell',
  })
  .transform((written) => (typeof written === 'string' ? [written] : written))
  .refine((words) => words[0] !== '', 'must name a program first');

/** Names of models: whatever clients may send, except what would break a log line or a header. */
export const modelIdField = z
  .string()
  .min(1, 'a model id must not be empty')
  .max(300, 'a model id must not be longer than 300 characters')
  .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, 'a model id must not contain control characters or line breaks')
  .refine((id) => id.trim() === id, 'a model id must not begin or end with a space');

const HOST_HELP = 'must be an IP address or a host name, without scheme or port';

/** Addresses and names that RFC 1123 allows. */
export const hostField = z.string().refine(isHost, HOST_HELP);

function isHost(text: string): boolean {
  const address = withoutBrackets(text);
  if (address !== text) return isIP(address) === 6;
  if (isIP(text) !== 0) return true;
  if (text.length > 253) return false;
  const labels = text.replace(/\.$/, '').split('.');
  // A last label of digits only is a mistyped address, not a name (WHATWG URL, "ends in a number").
  if (/^\d*$/.test(labels.at(-1) ?? '')) return false;
  return labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label));
}

/** `[::1]` is how URLs write `::1`. */
export function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

/**
 * Whether a listener on `host` can be reached from this machine only. Names other than `localhost` count as reachable
 * from elsewhere, since what they resolve to can change.
 */
export function isLoopbackHost(host: string): boolean {
  const address = withoutBrackets(host).toLowerCase();
  if (address === 'localhost') return true;
  const family = isIP(address);
  if (family === 4) return address.startsWith('127.');
  // The URL parser writes every spelling of an IPv6 address in one way; it knows no zones, and loopback has none.
  if (family !== 6 || !URL.canParse(`http://[${address}]`)) return false;
  const { hostname } = new URL(`http://[${address}]`);
  return hostname === '[::1]' || hostname.startsWith('[::ffff:7f');
}

/** What browsers send in `Origin`: scheme and host, no path. A wildcard would let any page use the models. */
export const originField = z
  .string()
  .regex(
    /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*]+$/i,
    'must be one origin such as https://chat.example.com, without a path or a wildcard',
  );

/** Keys travel in headers, so only visible ASCII gets through everywhere. */
export const secretField = z
  .string()
  .min(1, 'must not be empty')
  .regex(/^[\x21-\x7e]*$/, 'may only contain visible ASCII characters, no spaces');

export const httpUrlField = z
  .string()
  .refine(
    (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
    'must be a URL that starts with http:// or https://',
  );
