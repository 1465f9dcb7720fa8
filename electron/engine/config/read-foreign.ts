import { completeReport, foreignPathOf } from '../dialects/import-account.ts';
import type { ForeignFormat, ForeignSource, ForeignSurroundings, ImportEntry } from '../dialects/foreign-format.ts';
import type { ConfigIssue } from './config-issue.ts';
import type { ConfigSurroundings } from './load-config.ts';
import { isLoopbackHost } from './schema-fields.ts';

export type ForeignRead =
  | {
      readonly ok: true;
      readonly native: Readonly<Record<string, unknown>>;
      readonly document: unknown;
      /** Says something of every value of the file. */
      readonly report: readonly ImportEntry[];
      readonly warnings: readonly ConfigIssue[];
      /** A native path in terms of the file; what has no counterpart there stays as it is. */
      translate(nativePath: string): string;
    }
  | { readonly ok: false; readonly errors: readonly ConfigIssue[]; readonly say?: string };

/**
 * Another program's file as the value of a native one. Its addresses that other machines could reach are taken to
 * 127.0.0.1 unless the file has keys: that program's default is no consent.
 */
export async function readForeign(
  format: ForeignFormat,
  source: ForeignSource,
  { listenHost, ...surroundings }: ForeignSurroundings & Pick<ConfigSurroundings, 'listenHost'>,
): Promise<ForeignRead> {
  const result = await format.read(source, surroundings);
  if (!result.ok) return result;
  const report = completeReport(source.value ?? result.document, result.report);
  const server = asGroup(result.native['server']);
  const hasKeys = asList(server['apiKeys']).length > 0;
  const warnings: ConfigIssue[] = [...(result.warnings ?? [])];
  for (const { path, outcome, note } of report) {
    if (outcome === 'dropped') warnings.push({ path, message: `has no effect: ${note}` });
  }
  const listeners = asList(result.native['listeners']).map((listener, index) => {
    const { host } = asGroup(listener);
    if (hasKeys || typeof host !== 'string' || isLoopbackHost(host)) return listener;
    const closed = { ...asGroup(listener), host: '127.0.0.1' };
    // It is not where this listens; what the command line says instead is checked where it is used.
    if (index === 0 && listenHost !== undefined) return closed;
    warnings.push({
      path: foreignPathOf(`listeners[${index}].host`, report) ?? '',
      message:
        `other machines are kept out: it listens on 127.0.0.1 instead of ${host}. To open it, run ` +
        '`corral config import` on this file and add a key to `server.apiKeys`',
    });
    return closed;
  });
  return {
    ok: true,
    native: { ...result.native, ...(listeners.length === 0 ? {} : { listeners }) },
    document: result.document,
    report,
    warnings,
    translate: (nativePath) => foreignPathOf(nativePath, report) ?? nativePath,
  };
}

function asGroup(value: unknown): Readonly<Record<string, unknown>> {
  const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isGroup ? (value as Readonly<Record<string, unknown>>) : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}
