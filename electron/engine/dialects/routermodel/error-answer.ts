import { megabytes } from './status-view.ts';
import { jsonEnvelope, type ErrorEnvelope, type ToldError } from '../error-envelope.ts';

/** FastAPI's `{ detail }`; the status where RouterModelCustom has another than Corral. */
export const routerModelErrors: ErrorEnvelope = jsonEnvelope(
  (told) => ({ detail: vramError(told) ?? told.message }),
  ({ code, status }) => (code === 'queue-full' ? 503 : code === 'queue-timeout' ? 504 : status),
);

function vramError({ code, message, details }: ToldError): Record<string, unknown> | undefined {
  const required = details?.['requiredBytes'];
  const available = details?.['availableBytes'];
  if (code !== 'no-room' || typeof required !== 'number' || typeof available !== 'number') return undefined;
  return {
    error: {
      message,
      type: 'insufficient_vram_error',
      code: 'vram_exhausted',
      model: details?.['model'],
      required_mb: megabytes(required),
      available_mb: megabytes(available),
      loaded_models: details?.['loadedModels'] ?? [],
    },
  };
}
