import { AppError } from '#shared/contract/errors.ts';

/** Fields that several of Ollama's requests share, each checked and in llama-server's words. Pure; all throw `invalid-request`. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textField(request: JsonObject, name: string): string {
  const value = request[name];
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new AppError('invalid-request', `"${name}" must be a string`);
  return value;
}

export function flagField(request: JsonObject, name: string): boolean | undefined {
  const value = request[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw new AppError('invalid-request', `"${name}" must be true or false`);
  return value;
}

export function listField(request: JsonObject, name: string): readonly unknown[] {
  const value = request[name];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new AppError('invalid-request', `"${name}" must be an array`);
  return value as unknown[];
}

/** The JSON schema that `format` asks for; undefined where any text will do. */
export function formatSchema(request: JsonObject): JsonObject | 'any-object' | undefined {
  const { format } = request;
  if (format === undefined || format === null || format === '') return undefined;
  if (format === 'json') return 'any-object';
  if (isObject(format)) return format;
  throw new AppError(
    'invalid-request',
    `invalid format: ${JSON.stringify(format).slice(0, 80)}; expected "json" or a valid JSON Schema object`,
  );
}

const efforts: readonly unknown[] = ['low', 'medium', 'high'];

/** What a chat template is told about thinking; templates differ in the names they look for, and overlook the others. */
export function thinking(request: JsonObject): {
  readonly parameters: JsonObject;
  /** Thoughts are not passed on. */
  readonly isHidden: boolean;
} {
  const { think } = request;
  if (think === undefined || think === null || think === '') return { parameters: {}, isHidden: false };
  if (typeof think === 'boolean') {
    const parameters = { chat_template_kwargs: { enable_thinking: think, thinking: think } };
    return { parameters, isHidden: !think };
  }
  if (efforts.includes(think)) {
    const parameters = { chat_template_kwargs: { enable_thinking: true, thinking: true, reasoning_effort: think } };
    return { parameters, isHidden: false };
  }
  throw new AppError(
    'invalid-request',
    `invalid think value: ${JSON.stringify(think).slice(0, 80)} (must be "high", "medium", "low", true, or false)`,
  );
}

/** Types by the first characters of what base64 makes of a file's magic number. */
const imageTypes: readonly (readonly [start: string, type: string])[] = [
  ['iVBORw', 'image/png'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
  ['Qk', 'image/bmp'],
];

/** Base64 images as the parts of a message. */
export function imageParts(images: readonly unknown[]): readonly JsonObject[] {
  return images.map((image) => {
    // Some clients send the whole data address.
    const data = typeof image === 'string' ? image.replace(/^data:[^,]{0,100},/, '') : '';
    if (data === '' || !/^[A-Za-z0-9+/_=\s-]+$/.test(data)) {
      throw new AppError('invalid-request', 'images must be base64 texts');
    }
    const type = imageTypes.find(([start]) => data.startsWith(start))?.[1] ?? 'image/jpeg';
    return { type: 'image_url', image_url: { url: `data:${type};base64,${data}` } };
  });
}
