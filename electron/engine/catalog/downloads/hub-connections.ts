import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent, EnvHttpProxyAgent, type Dispatcher } from 'undici';
import { classifyAddress } from './address-class.ts';
import { isClassAllowed } from './redirect-rules.ts';

/** Connections to the origin, and to the hosts it sends downloads on to. */
export interface HubConnections {
  readonly toOrigin: Dispatcher;
  /** Refuses names that mean an address which `redirect-rules.ts` would refuse; checked as the connection is made. */
  readonly toOthers: Dispatcher;
  close(): Promise<void>;
}

export interface HubTimeouts {
  readonly connectMs: number;
  /** Silence before the headers, or within the body. */
  readonly stallMs: number;
}

export function openHubConnections(
  origin: () => URL,
  { connectMs, stallMs }: HubTimeouts,
  env: Readonly<Record<string, string | undefined>>,
): HubConnections {
  const timeouts = { headersTimeout: stallMs, bodyTimeout: stallMs };
  const httpProxy = env['http_proxy'] ?? env['HTTP_PROXY'];
  const httpsProxy = env['https_proxy'] ?? env['HTTPS_PROXY'];
  if ((httpProxy ?? httpsProxy ?? '') !== '') {
    // The proxy looks the names up, and decides which of them may be reached.
    const proxied = new EnvHttpProxyAgent({
      ...timeouts,
      ...(httpProxy === undefined ? {} : { httpProxy }),
      ...(httpsProxy === undefined ? {} : { httpsProxy }),
      noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
      connect: { timeout: connectMs },
    });
    return { toOrigin: proxied, toOthers: proxied, close: () => proxied.destroy() };
  }
  const toOrigin = new Agent({ ...timeouts, connect: { timeout: connectMs } });
  const toOthers = new Agent({ ...timeouts, connect: { timeout: connectMs, lookup: guardedLookup(origin) } });
  return {
    toOrigin,
    toOthers,
    async close() {
      await Promise.all([toOrigin.destroy(), toOthers.destroy()]);
    },
  };
}

/** Answers with what is allowed alone, so that what was checked is what is connected to. */
export function guardedLookup(origin: () => URL): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, '');
        return;
      }
      const open = addresses.filter(({ address }) => isClassAllowed(classifyAddress(address), origin()));
      const [first] = open;
      if (first === undefined) {
        callback(new Error(`${hostname} is an address within a private network`), '');
        return;
      }
      if (options.all === true) callback(null, open);
      else callback(null, first.address, first.family);
    });
  };
}
