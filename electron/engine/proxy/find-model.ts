import type { IncomingMessage } from 'node:http';
import { Busboy } from '@fastify/busboy';
import { AppError } from '#shared/contract/errors.ts';
import { findJsonKeys, type FoundKeys } from './find-json-keys.ts';

export interface RequestedModel {
  readonly name: string;
  readonly isStreaming: boolean;
  /** Whether the body is JSON, which filters can change. */
  readonly isJson: boolean;
  /** Who asks, as the client names them. */
  readonly user?: string | undefined;
  /** The body may name pictures and the like that the model's server would fetch. */
  readonly mayNameMedia: boolean;
}

type FoundInBody = Omit<RequestedModel, 'name'> & { readonly model: string | undefined };

/**
 * The model a request names: in its JSON body, its multipart or urlencoded form, or in `?model=`. Throws
 * `invalid-request` for a body that is not what it claims, `model-missing` if no model is named anywhere.
 */
export async function findRequestedModel(
  request: IncomingMessage,
  /** With its question mark, or empty. */
  search: string,
  body: Buffer | undefined,
): Promise<RequestedModel> {
  const fromQuery = search === '' ? undefined : (new URLSearchParams(search).get('model') ?? undefined);
  const inBody = body === undefined ? NOTHING : (findInForms(request, body) ?? findInJson(body));
  const { model, isStreaming, isJson, user, mayNameMedia } = inBody instanceof Promise ? await inBody : inBody;
  const name = model ?? fromQuery;
  if (name === undefined || name === '') {
    throw new AppError(
      'model-missing',
      body === undefined
        ? 'Name the model in the query: ?model=…'
        : 'The request names no model: set "model" to one of the ids that GET /v1/models lists.',
    );
  }
  // Written out, as below: on the way of every request, a spread costs as much as the search itself.
  return { name, isStreaming, isJson, user, mayNameMedia };
}

const NOTHING: FoundInBody = {
  model: undefined,
  isStreaming: false,
  isJson: false,
  user: undefined,
  mayNameMedia: false,
};

function findInJson(body: Buffer): FoundInBody {
  const { model, isStreaming, user, mayNameMedia } = checkJsonBody(body);
  return { model, isStreaming, isJson: true, user, mayNameMedia };
}

/** Undefined for a body that is to be read as JSON. */
function findInForms(request: IncomingMessage, body: Buffer): FoundInBody | Promise<FoundInBody> | undefined {
  const { 'content-type': contentType } = request.headers;
  if (contentType === undefined || contentType === 'application/json') return undefined;
  const lower = contentType.toLowerCase();
  if (lower.startsWith('multipart/form-data')) return findInForm(contentType, body);
  if (!lower.startsWith('application/x-www-form-urlencoded')) return undefined;
  // curl labels any `-d` body as a form; what starts like JSON is taken for JSON.
  if (body.length === 0 || /^\s*[{[]/.test(body.toString('latin1', 0, 64))) return undefined;
  const form = new URLSearchParams(body.toString('utf8'));
  return { ...NOTHING, model: form.get('model') ?? undefined, isStreaming: form.get('stream') === 'true' };
}

/** What a JSON body names; throws `invalid-request` for one that is not a JSON object. */
export function checkJsonBody(body: Buffer): FoundKeys {
  const result = findJsonKeys(body);
  if (result.ok) return result.found;
  throw new AppError(
    'invalid-request',
    `The request body is not valid JSON: ${result.problem}, at byte ${result.offset}.`,
  );
}

/** Fields of a form that name things; files in it are skipped, not kept. */
const MAX_FIELD_BYTES = 4096;

function findInForm(contentType: string, body: Buffer): Promise<FoundInBody> {
  return new Promise((resolve, reject) => {
    const refuse = (thrown: unknown): void =>
      reject(
        new AppError('invalid-request', 'The request body is not the multipart form its content type announces.', {
          cause: thrown,
        }),
      );
    let model: string | undefined;
    let isStreaming = false;
    try {
      const form = new Busboy({ headers: { 'content-type': contentType }, limits: { fieldSize: MAX_FIELD_BYTES } });
      form.on('field', (name, value) => {
        if (name === 'model') model = value;
        if (name === 'stream') isStreaming = value === 'true';
      });
      form.on('file', (_name, stream) => {
        // A form cut off within a file fails on the file's stream, too; unheard, that would end the whole program.
        stream.on('error', refuse);
        stream.resume();
      });
      form.on('error', refuse);
      form.on('finish', () => resolve({ ...NOTHING, model, isStreaming }));
      form.end(body);
    } catch (thrown) {
      refuse(thrown);
    }
  });
}
