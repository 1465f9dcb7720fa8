import { lookup as lookupAddresses } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, request, type Dispatcher } from 'undici';
import { AppError } from '#shared/contract/errors.ts';
import { isPublicAddress } from './public-address.ts';

/** What the pictures of one request may cost altogether. */
const TIME_LIMIT_MS = 15_000;
const MAX_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What llama-server and its relatives can decode. SVG is a program, not a picture. */
const IMAGE_TYPE = /^image\/(?:png|jpeg|jpg|gif|webp|bmp|avif|heic)$/;

export interface ImageFetcherOptions {
  readonly isPublic?: (address: string) => boolean;
  readonly lookup?: (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;
  readonly timeLimitMs?: number;
}

export interface ImageFetcher {
  /**
   * The pictures at these addresses as `data:` URLs, in their order. Throws `invalid-request` for the first that cannot be
   * had, `too-large` if they have more than `maxBytes` together; rejects with the signal's reason once it aborts.
   */
  fetchAll(addresses: readonly string[], maxBytes: number, signal: AbortSignal): Promise<string[]>;
}

/**
 * Fetches pictures for clients that may not know more of this network than Corral tells them. Only http and https, and only
 * from public addresses: every address of a name is looked at, the connection goes to one that was, and redirects go the same
 * way. No cookies, no key, no proxy of the environment.
 */
export function createImageFetcher(options: ImageFetcherOptions = {}): ImageFetcher {
  const isPublic = options.isPublic ?? ((address) => isPublicAddress(address));
  const lookup = options.lookup ?? ((host) => lookupAddresses(host, { all: true }));

  /** Called for each new connection, so that what is checked is what is connected to (DNS rebinding). */
  const checkedLookup: LookupFunction = (host, { all }, answer) => {
    lookup(host).then(
      (found) => {
        const [first] = found;
        if (first === undefined) answer(new Error(`${host} has no address`), '', 0);
        else if (!found.every(({ address }) => isPublic(address))) answer(notPublic(host), '', 0);
        else if (all === true) answer(null, [...found]);
        else answer(null, first.address, first.family);
      },
      (thrown: unknown) => answer(thrown as Error, '', 0),
    );
  };

  async function fetchOne(address: string, maxBytes: number, agent: Agent, signal: AbortSignal): Promise<string> {
    let url = parse(address, undefined);
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const literal = url.hostname.replace(/^\[(.*)\]$/, '$1');
      // Names are looked at where they are resolved; a literal address never is.
      if (isIP(literal) !== 0 && !isPublic(literal)) throw notPublic(url.hostname);
      const answer = await request(url, {
        dispatcher: agent,
        signal,
        headers: { accept: 'image/*', 'user-agent': 'Corral' },
      });
      const { statusCode, headers, body } = answer;
      if (REDIRECTS.has(statusCode)) {
        await discard(body);
        url = parse(one(headers['location']) ?? '', url);
        continue;
      }
      const type = (one(headers['content-type']) ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
      if (statusCode !== 200 || !IMAGE_TYPE.test(type)) {
        await discard(body);
        throw unusable(address, statusCode === 200 ? 'it is no picture' : `its server answered with ${statusCode}`);
      }
      return `data:${type};base64,${(await readLimited(body, maxBytes)).toString('base64')}`;
    }
    throw unusable(address, 'it is redirected too often');
  }

  return {
    async fetchAll(addresses, maxBytes, signal) {
      const agent = new Agent({ connect: { lookup: checkedLookup }, connections: 2, maxHeaderSize: 16_384 });
      const deadline = AbortSignal.timeout(options.timeLimitMs ?? TIME_LIMIT_MS);
      const either = AbortSignal.any([signal, deadline]);
      let leftBytes = maxBytes;
      const fetched: string[] = [];
      try {
        for (const address of addresses) {
          try {
            const data = await fetchOne(address, leftBytes, agent, either);
            leftBytes -= data.length;
            fetched.push(data);
          } catch (thrown) {
            signal.throwIfAborted();
            if (thrown instanceof AppError) throw thrown;
            throw unusable(address, deadline.aborted ? 'it takes too long' : 'its server cannot be reached', thrown);
          }
        }
        return fetched;
      } finally {
        await agent.destroy();
      }
    },
  };
}

function parse(address: string, base: URL | undefined): URL {
  if (!URL.canParse(address.trim(), base?.href)) throw unusable(address, 'it is no valid address');
  const url = new URL(address.trim(), base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw unusable(address, 'only http and https are fetched');
  if (url.username !== '' || url.password !== '') throw unusable(address, 'an address with a password is not fetched');
  return url;
}

async function readLimited(body: Dispatcher.ResponseData['body'], maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let received = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    received += chunk.length;
    // As base64 it is longer by a third.
    if (received * 1.4 > maxBytes) {
      throw new AppError('too-large', 'The request is larger than server.maxBodyBytes with the pictures it names.');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function discard(body: Dispatcher.ResponseData['body']): Promise<void> {
  await body.dump({ limit: 16_384 });
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function notPublic(host: string): AppError {
  return new AppError('invalid-request', `Corral does not fetch a picture from ${host}: that is no public address.`);
}

function unusable(address: string, why: string, cause?: unknown): AppError {
  return new AppError('invalid-request', `The picture at ${address.slice(0, 200)} cannot be fetched: ${why}.`, {
    cause,
  });
}
