import { jsonEnvelope, type ErrorEnvelope, type ToldError } from '../error-envelope.ts';

/** FastAPI's `{ detail }`; the status where RouterModelCustom has another than Corral. */
export const routerModelErrors: ErrorEnvelope = jsonEnvelope(
  (told) => ({ detail: vramError(told) ?? told.message }),
  ({ code, status }) => (code === 'queue-full' ? 503 : code === 'queue-timeout' ? 504 : status),
);

/** `details.reason` of a refusal for want of memory. */
export const OUT_OF_VRAM = 'out-of-vram';

function vramError({ code, message, details }: ToldError): Record<string, unknown> | undefined {
  if (code !== 'no-room' || details?.['reason'] !== OUT_OF_VRAM) return undefined;
  return {
    error: {
      message,
      type: 'insufficient_vram_error',
      code: 'vram_exhausted',
      model: details['model'],
      required_mb: details['requiredMb'],
      available_mb: details['availableMb'],
      loaded_models: details['loadedModels'],
    },
  };
}
