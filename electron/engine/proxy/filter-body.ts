import { AppError } from '#shared/contract/errors.ts';
import type { FilterConfig } from '../config/resolved-config.ts';

/**
 * A JSON body with a model's filters applied: parameters stripped, then set, then set for the name the request used. The
 * model's name changes only where a filter says so, since the request has been routed by it. Only called for models that
 * have filters: everyone else's bytes go on as they came.
 */
export function filterBody(body: Buffer, filters: FilterConfig, requestedName: string): Buffer {
  const { strip, set, setFor = {} } = filters;
  const parsed = parseJsonObject(body);
  const model = filters.model ?? parsed['model'];
  const kept = Object.fromEntries(Object.entries(parsed).filter(([key]) => !strip.includes(key)));
  const setHere = Object.hasOwn(setFor, requestedName) ? setFor[requestedName] : undefined;
  return Buffer.from(JSON.stringify({ ...kept, ...set, ...setHere, ...(model === undefined ? {} : { model }) }));
}

/** A JSON body that names another model; all else means what it meant. */
export function withModelName(body: Buffer, model: string): Buffer {
  return Buffer.from(JSON.stringify({ ...parseJsonObject(body), model }));
}

/**
 * A body that `findJsonKeys` took for a JSON object. That search passes over strings; what is wrong within one is found here.
 */
export function parseJsonObject(body: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown>;
  } catch {
    // The parser's own message quotes the body, which is nobody's business.
    throw new AppError(
      'invalid-request',
      'The request body is not valid JSON: a string in it has a control character or a wrong escape.',
    );
  }
}
