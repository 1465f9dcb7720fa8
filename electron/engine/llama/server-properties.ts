import { z } from 'zod';
import type { Endpoint } from '../supervisor/endpoint.ts';

/** What llama-server tells about itself in `GET /props` (tools/server/README.md in llama.cpp). */
export interface ServerProperties {
  readonly slots: number | null;
  readonly contextSize: number | null;
}

const propertiesSchema = z.object({
  total_slots: z.number().int().positive().optional(),
  default_generation_settings: z.object({ n_ctx: z.number().int().positive().optional() }).optional(),
});

const TIMEOUT_MS = 2000;
const MAX_CHARACTERS = 4 * 1024 * 1024;

/** Undefined for servers that have no such route or answer something else: they need not be llama-servers. */
export async function readServerProperties(endpoint: Endpoint): Promise<ServerProperties | undefined> {
  try {
    const { statusCode, body } = await endpoint.dispatcher.request({
      origin: endpoint.origin,
      path: '/props',
      method: 'GET',
      headers: endpoint.apiKey === undefined ? {} : { authorization: `Bearer ${endpoint.apiKey}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await body.text();
    if (statusCode !== 200 || text.length > MAX_CHARACTERS) return undefined;
    const properties = propertiesSchema.parse(JSON.parse(text));
    return {
      slots: properties.total_slots ?? null,
      contextSize: properties.default_generation_settings?.n_ctx ?? null,
    };
  } catch {
    return undefined; // Not llama-server, or it ended meanwhile: nothing that the caller could do about.
  }
}
