import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError, toAppError } from '#shared/contract/errors.ts';
import { sendError } from '../proxy/error-bodies.ts';
import { readBody } from '../proxy/read-body.ts';
import type { ApiFamily } from '../proxy/routes.ts';

/** What the routes of dialects answer with. */

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(value));
}

export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  contentType = 'text/plain; charset=utf-8',
): void {
  send(response, status, contentType, text);
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** Lets a route answer later; what it throws is answered in the family's envelope. */
export function answerLater(response: ServerResponse, family: ApiFamily, work: () => Promise<void>): void {
  work().catch((thrown: unknown) => sendError(response, toAppError(thrown), family));
}

/** The body as JSON. Throws `invalid-request` for what is none, `too-large` as `readBody` does. */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const body = await readBody(request, maxBytes);
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) throw new AppError('invalid-request', 'The body is not valid JSON.');
    throw thrown;
  }
}

/**
 * Whether a browser sends it for a page of another site, as any page can make it do with a GET. Such a request never starts
 * a model. What is no browser does not say.
 */
export function isCrossSite(request: IncomingMessage): boolean {
  const site = request.headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}
