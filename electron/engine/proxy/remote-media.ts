import { AppError } from '#shared/contract/errors.ts';
import type { ImageFetcher } from './fetch-image.ts';
import { findMediaAddresses, type MediaAddress } from './find-media-addresses.ts';

/** `server.remoteImages`: what becomes of requests that name pictures by address. */
export type RemoteImagesPolicy = 'refuse' | 'fetch' | 'allow';

export interface MediaScreen {
  readonly policy: RemoteImagesPolicy;
  readonly fetcher: ImageFetcher;
  readonly maxBodyBytes: number;
  readonly signal: AbortSignal;
}

/** More than any conversation holds. */
const MAX_IMAGES = 64;

/**
 * The body that may go on to a model's server, which fetches what a body tells it to, from this machine and its network:
 * refused (`invalid-request`) if it names media by address, or with the pictures put in by Corral, which asks public
 * addresses only. Everything else in the body stays as it is, byte for byte.
 */
export async function screenMedia(
  body: Buffer,
  { policy, fetcher, maxBodyBytes, signal }: MediaScreen,
): Promise<Buffer> {
  if (policy === 'allow') return body;
  const result = findMediaAddresses(body);
  if (!result.ok) {
    throw new AppError(
      'invalid-request',
      'The request body is not plain JSON in UTF-8, so that it cannot be looked through for pictures at other addresses ' +
        '(server.remoteImages).',
    );
  }
  const addresses = [...result.addresses].sort((one, other) => one.from - other.from);
  const [first] = addresses;
  if (first === undefined) return body;
  const refused = policy === 'refuse' ? first : addresses.find(({ isImage }) => !isImage);
  if (refused !== undefined) throw refuse(refused, policy);
  const named = [...new Set(addresses.map(({ address }) => address))];
  if (named.length > MAX_IMAGES) {
    throw new AppError('invalid-request', `The request names more than ${MAX_IMAGES} pictures by address.`);
  }
  const fetched = await fetcher.fetchAll(named, maxBodyBytes - body.length, signal);
  const data = new Map(named.map((address, index) => [address, fetched[index] ?? '']));
  const parts: Buffer[] = [];
  let at = 0;
  for (const { from, end, address } of addresses) {
    parts.push(body.subarray(at, from), Buffer.from(JSON.stringify(data.get(address))));
    at = end;
  }
  const filled = Buffer.concat([...parts, body.subarray(at)]);
  if (filled.length <= maxBodyBytes) return filled;
  throw new AppError('too-large', 'The request is larger than server.maxBodyBytes with the pictures it names.');
}

function refuse({ address, isImage }: MediaAddress, policy: RemoteImagesPolicy): AppError {
  const where = address.length > 200 ? `${address.slice(0, 200)}…` : address;
  const instead = isImage
    ? 'Send the picture itself as a data: URL; the owner of Corral can have pictures fetched with server.remoteImages.'
    : 'Send it as data in the request.';
  return new AppError(
    'invalid-request',
    `The request has ${isImage ? 'a picture' : 'media'} at another address (${where}), and ` +
      `${policy === 'refuse' ? 'Corral lets no model fetch from the network' : 'Corral fetches nothing but pictures'}. ${instead}`,
  );
}

/**
 * Whether a body on its way to a route that Corral does not know could be JSON, to one reader or another: it begins like it,
 * is called so, or is in an encoding that some readers of JSON find out by themselves. Pure.
 */
export function mayBeJson(body: Buffer, contentType: string | undefined): boolean {
  if (body.length === 0) return false;
  if (contentType !== undefined && /json/i.test(contentType)) return true;
  const beginning = body.subarray(0, 64);
  if (beginning[0] === 0xff || beginning[0] === 0xfe || beginning.subarray(0, 4).includes(0))
    return !isForm(contentType);
  const [first = ''] = beginning
    .toString('latin1')
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .trimStart();
  return first === '{' || first === '[';
}

function isForm(contentType: string | undefined): boolean {
  return contentType !== undefined && /^(?:multipart\/|audio\/|image\/|application\/octet-stream)/i.test(contentType);
}
