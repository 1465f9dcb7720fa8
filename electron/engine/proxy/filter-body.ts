import type { FilterConfig } from '../config/resolved-config.ts';

/**
 * A JSON body with a model's filters applied: parameters stripped, then set. The model's name is never touched, since the
 * request has been routed by it. Only called for models that have filters: everyone else's bytes go on as they came.
 */
export function filterBody(body: Buffer, { strip, set }: FilterConfig): Buffer {
  const parsed = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  const { model } = parsed;
  const kept = Object.fromEntries(Object.entries(parsed).filter(([key]) => !strip.includes(key)));
  return Buffer.from(JSON.stringify({ ...kept, ...set, ...(model === undefined ? {} : { model }) }));
}
