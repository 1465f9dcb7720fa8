import type { IncomingMessage, ServerResponse } from 'node:http';
import { isCommandName } from '#shared/contract/commands.ts';
import { AppError, errorStatus, serialiseError, toAppError } from '#shared/contract/errors.ts';
import type { NumberedEvent } from '#shared/contract/events.ts';
import type { Engine } from '../engine/engine.ts';
import { createCommandHandlers, runCommand, type CommandHandlers } from './command-handlers.ts';
import { openApiDocument } from './openapi.ts';

const MAX_COMMAND_BYTES = 1024 * 1024;
/** A reader that is this far behind is cut off; it comes back and gets a fresh snapshot. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024;
/** Keeps proxies and sleeping laptops from taking a quiet stream for a dead one. */
const HEARTBEAT_MS = 15_000;

/**
 * The contract over HTTP, mounted at `/control`: `POST /commands/<name>`, `GET /events` and their description at
 * `GET /openapi.json`. Everything needs the admin or the instance token, and calls a JSON content type, so that no page can
 * make a browser send one.
 */
export function createControlHandler(engine: Engine): (request: IncomingMessage, response: ServerResponse) => void {
  const handlers = createCommandHandlers(engine, { isOwner: false });
  return (request, response) => {
    const refused = engine.checkAdmin(request.headers);
    if (refused !== undefined) {
      sendControlError(response, refused);
      return;
    }
    const [path = '/'] = (request.url ?? '/').split('?');
    if (path === '/events') {
      if (request.method === 'GET') streamEvents(engine, response);
      else sendControlError(response, methodNotAllowed(request, 'GET'), { allow: 'GET' });
      return;
    }
    if (path === '/openapi.json') {
      if (request.method === 'GET') sendJson(response, JSON.stringify(openApiDocument()));
      else sendControlError(response, methodNotAllowed(request, 'GET'), { allow: 'GET' });
      return;
    }
    const [, name] = /^\/commands\/([a-z-]+)$/.exec(path) ?? [];
    if (name === undefined || !isCommandName(name)) {
      sendControlError(response, new AppError('unknown-route', `There is no control command at ${path}.`));
      return;
    }
    if (request.method !== 'POST') {
      sendControlError(response, methodNotAllowed(request, 'POST'), { allow: 'POST' });
      return;
    }
    void answerCommand(handlers, name, request, response);
  };
}

function methodNotAllowed(request: IncomingMessage, allowed: string): AppError {
  return new AppError('method-not-allowed', `This takes ${allowed}, not ${request.method ?? 'that'}.`);
}

async function answerCommand(
  handlers: CommandHandlers,
  name: Parameters<typeof runCommand>[1],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new AppError('cancelled', 'The client went away.'));
  });
  try {
    const payload = await readJson(request);
    sendJson(response, JSON.stringify(await runCommand(handlers, name, payload, gone.signal)));
  } catch (thrown) {
    if (!gone.signal.aborted) sendControlError(response, toAppError(thrown));
  }
}

function sendJson(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(body);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers['content-type'] ?? '')) {
    throw new AppError('invalid-request', 'Control commands need the header content-type: application/json.');
  }
  const chunks: Buffer[] = [];
  let received = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    received += chunk.length;
    if (received > MAX_COMMAND_BYTES) throw new AppError('too-large', 'The command is larger than 1 MiB.');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (thrown) {
    throw new AppError('invalid-request', 'The command is not valid JSON.', { cause: thrown });
  }
}

function sendControlError(
  response: ServerResponse,
  error: AppError,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(errorStatus(error.code), {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-corral-error': error.code,
    ...headers,
  });
  response.end(JSON.stringify({ error: serialiseError(error) }));
}

/** First the whole snapshot, then every event, in the order of their numbers. */
function streamEvents(engine: Engine, response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  const write = (text: string): void => {
    response.write(text);
    if (response.writableLength > MAX_UNSENT_BYTES) response.destroy();
  };
  const unsubscribe = engine.subscribe((event: NumberedEvent) =>
    write(`event: change\ndata: ${JSON.stringify(event)}\n\n`),
  );
  write(`event: snapshot\ndata: ${JSON.stringify(engine.snapshot())}\n\n`);
  const heartbeat = setInterval(() => write(': still here\n\n'), HEARTBEAT_MS);
  heartbeat.unref();
  response.once('close', () => {
    clearInterval(heartbeat);
    unsubscribe();
  });
}
