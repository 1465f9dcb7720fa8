import { z } from 'zod';
import { formatPath, type ConfigIssue, type PathSegment } from '../../config/config-issue.ts';
import type { ForeignFormat, ImportEntry } from '../foreign-format.ts';
import { literal } from '../literal.ts';

/** `pools.yaml` (README, "Configuration"); keys that the program does not know are ignored there. */
const fileSchema = z.looseObject({
  pools: z
    .array(
      z.looseObject({
        name: z.string().prefault(''),
        endpoints: z.array(z.string()).min(1, 'must have at least one endpoint'),
        models: z.array(z.string()).prefault([]),
      }),
    )
    .min(1, 'must have at least one pool'),
});

/** The program listens where its command line says; that is where it does so by default. */
const DEFAULT_LISTENER = { dialect: 'llama-model-router', host: '0.0.0.0', port: 9090 };

/** What Corral understands in `server`, so that a file can be served to other machines with a key. */
const corralServerKeys = ['apiKeys', 'adminToken', 'allowedHosts', 'allowedOrigins'] as const;

/** Reads the `pools.yaml` of llama-model-router. */
export const llamaModelRouterFormat: ForeignFormat = {
  name: 'llama-model-router',
  mark: '`pools` as a list (llama-model-router)',
  detect: ({ value }) => Array.isArray(asGroup(value)['pools']),
  read(source) {
    const parsed = fileSchema.safeParse(source.value);
    if (!parsed.success) {
      const errors: readonly ConfigIssue[] =
        source.value === undefined && source.syntaxErrors.length > 0
          ? source.syntaxErrors
          : parsed.error.issues.map(({ path, message }) => ({ path: formatPath(path as PathSegment[]), message }));
      return { ok: false, errors };
    }
    const report: ImportEntry[] = [];
    const warnings: ConfigIssue[] = [];
    const pools: Record<string, unknown> = {};
    parsed.data.pools.forEach(({ name, endpoints, models }, index) => {
      const from = (...rest: PathSegment[]): string => formatPath(['pools', index, ...rest]);
      const used = poolName(name, index, pools);
      const to = (...rest: PathSegment[]): string => formatPath(['pools', used, ...rest]);
      const { outcome, note } =
        used === name
          ? ({ outcome: 'mapped', note: to() } as const)
          : ({
              outcome: 'approximated',
              note: `called ${used}: names of pools must differ, and not be empty`,
            } as const);
      if (models.length === 0) {
        report.push({ path: from(), outcome: 'dropped', note: 'it answers for no model' });
        warnings.push({ path: from(), message: 'has no models, so that nothing is ever sent there; it is left out' });
        return;
      }
      report.push({ path: from('name'), outcome, note });
      endpoints.forEach((_, at) => {
        const target = to('endpoints', at, 'url');
        report.push({ path: from('endpoints', at), outcome: 'mapped', note: target, to: target });
      });
      report.push({
        path: from('models'),
        outcome: 'mapped',
        note: `${to('endpoints', 0, 'models')}, and of its other endpoints`,
        to: to('endpoints', 0, 'models'),
      });
      pools[used] = {
        endpoints: endpoints.map((url) => ({ url: literal(url), models: [...new Set(models)].map(literal) })),
        sticky: 'user',
        wildcard: 'any',
      };
    });
    const server = serverOf(source.value, report);
    return {
      ok: true,
      native: { ...(server === undefined ? {} : { server }), pools, listeners: [DEFAULT_LISTENER] },
      document: parsed.data,
      report,
      warnings,
    };
  },
};

function poolName(written: string, index: number, taken: Readonly<Record<string, unknown>>): string {
  const wanted = written === '' ? `pool-${index + 1}` : written;
  for (let count = 2, name = wanted; ; count += 1) {
    if (!Object.hasOwn(taken, name)) return name;
    name = `${wanted}-${count}`;
  }
}

function serverOf(value: unknown, report: ImportEntry[]): Record<string, unknown> | undefined {
  const written = asGroup(asGroup(value)['server']);
  const server: Record<string, unknown> = {};
  for (const key of corralServerKeys) {
    if (written[key] === undefined) continue;
    server[key] = written[key];
    const path = formatPath(['server', key]);
    report.push({ path, outcome: 'mapped', note: path, to: path });
  }
  return Object.keys(server).length === 0 ? undefined : server;
}

function asGroup(value: unknown): Readonly<Record<string, unknown>> {
  const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isGroup ? (value as Readonly<Record<string, unknown>>) : {};
}
