import { formatConfigIssue } from '../../config/config-issue.ts';
import type { ForeignFormat } from '../foreign-format.ts';
import { importLlamaSwap } from './import-document.ts';

/** Reads a configuration of llama-swap, early or today's. */
export const llamaSwapFormat: ForeignFormat = {
  name: 'llama-swap',
  mark: '`models.*.cmd` (llama-swap)',
  detect({ value }) {
    const models = asGroup(asGroup(value)['models']);
    return Object.values(models).some((model) => asGroup(model)['cmd'] !== undefined);
  },
  read({ value, syntaxErrors }, { env, platform }) {
    if (value !== undefined || syntaxErrors.length === 0) return importLlamaSwap(value, { env, platform });
    const lines = syntaxErrors.map((error) => `Error loading config: ${formatConfigIssue(error)}`);
    return { ok: false, errors: syntaxErrors, say: lines.join('\n') };
  },
};

function asGroup(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
