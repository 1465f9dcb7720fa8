import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { AppError } from '#shared/contract/errors.ts';
import type { Endpoint } from '../supervisor/endpoint.ts';

/**
 * A request in the words of an API that no model's server speaks, and the way back for its answer. Whoever translates sees
 * neither queue nor process: a translated request waits, is recorded, aborted and limited like any other.
 */

/** The head of an answer. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
}

/** Turns one answer of a model's server, as it comes, into one of another API. */
export interface AnswerTranslator {
  /** The head to send at once; undefined where it depends on what follows, and comes with the end. */
  start(status: number, contentType: string | undefined): AnswerHead | undefined;
  /** What goes on to the client now; may be empty. */
  chunk(bytes: Buffer): string;
  /** What is left to say. With the head if `start` gave none. */
  end(): { readonly head?: AnswerHead; readonly body: string };
  /** An answer that began, and fails. */
  error(error: AppError): string;
}

/** What a translated answer may tell of how it came about. */
export interface AnswerFacts {
  readonly loadWaitMs: number;
  /** Since the request arrived. */
  elapsedMs(): number;
  wallMs(): number;
}

interface TranslatedCommon {
  /** Whether the client gets its answer in pieces. */
  readonly isStreaming: boolean;
  /** How long the model stays loaded once it is idle; infinite: for good. Undefined leaves that as it is. */
  readonly keepAliveMs: number | undefined;
}

/** Goes on to the model's server. */
export interface ForwardedTranslation extends TranslatedCommon {
  readonly kind: 'forward';
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** A last change to the body, for which the model's server has to be asked. Rejects with an AppError. */
  readonly prepare?: (body: Buffer, process: PreparingProcess) => Promise<Buffer>;
  createAnswer(facts: AnswerFacts): AnswerTranslator;
}

/** `load`: the model is only to be loaded; `unload`: it is to go once it is idle, and nobody waits for that. */
export interface ResidencyTranslation extends TranslatedCommon {
  readonly kind: 'load' | 'unload';
  answer(facts: AnswerFacts): Record<string, unknown>;
}

export type TranslatedRequest = ForwardedTranslation | ResidencyTranslation;

export interface PreparingProcess {
  readonly endpoint: Endpoint;
  readonly contextSize: number | null;
  readonly commandLine: readonly string[] | null;
}

/** `model` is the name without what only the other API has in it; `asked` is what the client wrote. Throws AppErrors. */
export type Translate = (
  request: Readonly<Record<string, unknown>>,
  names: { readonly model: string; readonly asked: string },
) => TranslatedRequest;

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
