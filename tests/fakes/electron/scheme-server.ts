import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * Chromium cannot be given a scheme of our own from outside, so pages of such a scheme come from a loopback server, which
 * asks the registered handler with the address the page would have in Electron. `corral://app/x` is
 * `http://app.corral.localhost:PORT/x` in the browser and nowhere else: a scheme and a host are an origin on both sides.
 */
export type SchemeHandler = (request: Request) => Response | Promise<Response>;

const handlers = new Map<string, SchemeHandler>();
let port: number | undefined;

export function setSchemeHandler(scheme: string, handler: SchemeHandler | undefined): void {
  if (handler === undefined) handlers.delete(scheme);
  else handlers.set(scheme, handler);
}

export function hasSchemeHandler(scheme: string): boolean {
  return handlers.has(scheme);
}

/** What the browser is to load for an address of the app's. */
export function toPageUrl(appUrl: string): string {
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/i.exec(appUrl);
  const [, scheme, host, rest] = match ?? [];
  if (scheme === undefined || !handlers.has(scheme) || port === undefined) return appUrl;
  return `http://${host ?? ''}.${scheme}.localhost:${port}${rest === '' ? '/' : (rest ?? '')}`;
}

/** What Electron would show of an address of the browser's. */
export function toAppUrl(pageUrl: string): string {
  const match = /^http:\/\/([^/?#]*)\.([a-z0-9+-]+)\.localhost:(\d+)(.*)$/i.exec(pageUrl);
  const [, host, scheme, pagePort, rest] = match ?? [];
  if (scheme === undefined || Number(pagePort) !== port || !handlers.has(scheme)) return pageUrl;
  return `${scheme}://${host ?? ''}${rest ?? ''}`;
}

let starting: Promise<void> | undefined;

/** Resolves once the server listens; it ends with the process. */
export function startSchemeServer(): Promise<void> {
  starting ??= new Promise((resolve, reject) => {
    const server = createServer((request, response) => {
      serve(request, response).catch((thrown: unknown) => {
        process.stderr.write(`[stand-in] ${String(request.url)}: ${String(thrown)}\n`);
        response.destroy();
      });
    });
    // Chromium would keep connections that nothing ends otherwise.
    server.keepAliveTimeout = 1000;
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      ({ port } = server.address() as AddressInfo);
      server.unref();
      resolve();
    });
  });
  return starting;
}

async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const appUrl = toAppUrl(`http://${incoming.headers.host ?? ''}${incoming.url ?? '/'}`);
  const scheme = appUrl.slice(0, appUrl.indexOf(':'));
  const handler = handlers.get(scheme);
  if (handler === undefined) {
    response.writeHead(404).end();
    return;
  }
  const gone = new AbortController();
  response.once('close', () => gone.abort());

  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (['host', 'connection'].includes(name) || value === undefined) continue;
    headers.set(name, toAppText(Array.isArray(value) ? value.join(', ') : value));
  }
  const hasBody = incoming.method !== 'GET' && incoming.method !== 'HEAD';
  const request = new Request(appUrl, {
    method: incoming.method ?? 'GET',
    headers,
    signal: gone.signal,
    ...(hasBody ? { body: Readable.toWeb(incoming) as ReadableStream, duplex: 'half' as const } : {}),
  });
  const answer = await handler(request);
  response.writeHead(
    answer.status,
    [...answer.headers].map(([name, value]) => [name, toPageText(value, scheme)]),
  );
  response.flushHeaders();
  if (answer.body === null) {
    response.end();
    return;
  }
  // A page that goes away ends the handler's stream, as in Electron.
  await pipeline(Readable.fromWeb(answer.body), response).catch((thrown: unknown) => {
    if (!gone.signal.aborted) throw thrown;
  });
}

/** Origins inside of headers: `Origin`, `Referer`; policies. */
function toAppText(value: string): string {
  return value.replaceAll(/http:\/\/[^/\s;,]+\.localhost:\d+/g, (origin) => toAppUrl(origin));
}

function toPageText(value: string, scheme: string): string {
  return value.replaceAll(new RegExp(`\\b${scheme}://[^/\\s;,'"]+`, 'g'), (origin) =>
    toPageUrl(`${origin}/`).replace(/\/$/, ''),
  );
}
