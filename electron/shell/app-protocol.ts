import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { protocol } from 'electron';
import { Agent, request as send } from 'undici';
import { contentSecurityPolicy } from '#shared/contract/content-security-policy.ts';
import { toAppError } from '#shared/contract/errors.ts';
import { APP_SCHEME, decideAppRoute } from './app-route.ts';

export interface AppProtocolOptions {
  /** Where the built window is. */
  readonly rendererFolder: string;
  /** The engine's, such as `http://127.0.0.1:5526`; it may change while Corral runs. */
  engineAddress(): string;
  log(line: string): void;
}

export interface AppProtocol {
  /** Ends what is being passed on, because the page that asked for it is gone. */
  endPasses(): void;
  close(): Promise<void>;
}

/** What of a request goes on to the engine: enough to ask, and nothing that tells where the page came from. */
const PASSED_REQUEST_HEADERS = ['content-type', 'authorization', 'x-request-priority'] as const;
/** What of an answer comes back besides Corral's own headers. */
const PASSED_RESPONSE_HEADERS = ['content-type', 'cache-control', 'retry-after'];
/** Answers of models are data, also when they claim to be a page. */
const DATA_POLICY = "default-src 'none'; sandbox";

/**
 * Serves the window at `corral://app/`, and passes `corral://app/v1/…` on to the engine, so that a page talks to its own
 * origin in the desktop as it does at `/ui/`.
 */
export function serveApp({ rendererFolder, engineAddress, log }: AppProtocolOptions): AppProtocol {
  // A model may take as long as it likes to load and to answer; whoever asked can go away.
  const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  const passes = new Set<AbortController>();

  async function serveFile(file: string, contentType: string, isHead: boolean): Promise<Response> {
    try {
      const content = await readFile(path.join(rendererFolder, ...file.split('/')));
      return new Response(isHead ? null : new Uint8Array(content), {
        headers: { ...fileHeaders, 'content-type': contentType },
      });
    } catch (thrown) {
      log(`warn The window asked for ${file}, which cannot be read: ${(thrown as Error).message}`);
      return plainAnswer(404, 'There is nothing at this path.');
    }
  }

  async function passOn(pathAndQuery: string, request: Request): Promise<Response> {
    const pass = new AbortController();
    passes.add(pass);
    const endPass = (): void => pass.abort();
    request.signal.addEventListener('abort', endPass, { once: true });
    const release = (): void => {
      passes.delete(pass);
      request.signal.removeEventListener('abort', endPass);
    };
    try {
      const answer = await send(`${engineAddress()}${pathAndQuery}`, {
        method: request.method,
        headers: passedRequestHeaders(request.headers),
        body: request.body === null ? null : Readable.fromWeb(request.body),
        signal: pass.signal,
        dispatcher: agent,
      });
      answer.body.once('close', release);
      const isBodiless = request.method === 'HEAD' || [204, 205, 304].includes(answer.statusCode);
      if (isBodiless) await answer.body.dump();
      // Cancelled when the page stops reading, which ends the request to the engine.
      return new Response(isBodiless ? null : Readable.toWeb(answer.body), {
        status: answer.statusCode,
        headers: passedResponseHeaders(answer.headers),
      });
    } catch (thrown) {
      release();
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      return errorAnswer(
        pass.signal.aborted ? 'The request was given up.' : `Corral’s own address does not answer: ${reason}`,
      );
    }
  }

  protocol.handle(APP_SCHEME, async (request) => {
    const route = decideAppRoute(request.method, request.url);
    switch (route.kind) {
      case 'file':
        return await serveFile(route.file, route.contentType, request.method === 'HEAD');
      case 'engine':
        return await passOn(route.pathAndQuery, request);
      case 'refused':
        return plainAnswer(route.status, route.reason);
    }
  });

  const endPasses = (): void => {
    for (const pass of passes) pass.abort();
  };
  return {
    endPasses,
    async close() {
      protocol.unhandle(APP_SCHEME);
      endPasses();
      await agent.destroy().catch((thrown: unknown) => log(`warn ${toAppError(thrown).message}`));
    },
  };
}

const fileHeaders = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-cache',
} as const;

function plainAnswer(status: number, text: string): Response {
  return new Response(`${text}\n`, {
    status,
    headers: { ...fileHeaders, 'content-type': 'text/plain; charset=utf-8' },
  });
}

/** In the shape of OpenAI's errors, which is what a page that calls `/v1` reads. */
function errorAnswer(message: string): Response {
  return new Response(JSON.stringify({ error: { message, type: 'server_error', code: 'upstream-unavailable' } }), {
    status: 502,
    headers: { ...dataHeaders, 'content-type': 'application/json; charset=utf-8' },
  });
}

const dataHeaders = { 'content-security-policy': DATA_POLICY, 'x-content-type-options': 'nosniff' } as const;

function passedRequestHeaders(headers: Headers): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name of PASSED_REQUEST_HEADERS) {
    const value = headers.get(name);
    if (value !== null) passed[name] = value;
  }
  return passed;
}

function passedResponseHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const passed = new Headers(dataHeaders);
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') continue;
    if (PASSED_RESPONSE_HEADERS.includes(name) || name.startsWith('x-corral-')) passed.set(name, value);
  }
  return passed;
}
