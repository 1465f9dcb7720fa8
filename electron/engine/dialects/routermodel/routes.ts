/** Paths of RouterModelCustom, told apart; those that are fixed come before those with a model's name in them. Pure. */

export type AppRoute =
  | {
      readonly kind:
        | 'models'
        | 'health'
        | 'metrics'
        | 'vram'
        | 'vram-summary'
        | 'models-health'
        | 'queue-stats'
        | 'telemetry'
        | 'failed'
        | 'eject'
        | 'status'
        | 'status-stream'
        | 'status-file';
    }
  | { readonly kind: 'vram-model' | 'loading-status' | 'model-status' | 'reset'; readonly model: string }
  | { readonly kind: 'wrong-method'; readonly allowed: 'GET' | 'POST' };

const fixed: Readonly<Record<string, Exclude<AppRoute, { model: string } | { allowed: string }>['kind']>> = {
  '/v1/models': 'models',
  '/health': 'health',
  '/metrics': 'metrics',
  '/vram': 'vram',
  '/vram/summary': 'vram-summary',
  '/v1/health/models': 'models-health',
  '/v1/queue/stats': 'queue-stats',
  '/v1/telemetry/summary': 'telemetry',
  '/v1/models/failed': 'failed',
  '/v1/models/status': 'status',
  '/v1/models/status/stream': 'status-stream',
  '/v1/models/status/file': 'status-file',
};

const named: readonly (readonly [RegExp, Extract<AppRoute, { model: string }>['kind']])[] = [
  [/^\/vram\/models\/(.+)$/, 'vram-model'],
  [/^\/v1\/models\/status\/(.+)$/, 'model-status'],
  [/^\/v1\/models\/(.+)\/status$/, 'loading-status'],
  [/^\/v1\/models\/(.+)\/reset$/, 'reset'],
];

/** Undefined for what is none of them. A model's name may hold slashes. */
export function findAppRoute(method: string, written: string): AppRoute | undefined {
  const pathname = written.length > 1 && written.endsWith('/') ? written.slice(0, -1) : written;
  const isGet = method === 'GET' || method === 'HEAD';
  if (pathname === '/v1/models/eject') return method === 'POST' ? { kind: 'eject' } : wrong('POST');
  const kind = Object.hasOwn(fixed, pathname) ? fixed[pathname] : undefined;
  if (kind !== undefined) return isGet ? { kind } : wrong('GET');
  for (const [pattern, each] of named) {
    const model = decode(pattern.exec(pathname)?.[1]);
    if (model === undefined) continue;
    if (each === 'reset') return method === 'POST' ? { kind: each, model } : wrong('POST');
    return isGet ? { kind: each, model } : wrong('GET');
  }
  return undefined;
}

function wrong(allowed: 'GET' | 'POST'): AppRoute {
  return { kind: 'wrong-method', allowed };
}

function decode(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return decodeURIComponent(text);
  } catch (thrown) {
    if (thrown instanceof URIError) return undefined;
    throw thrown;
  }
}
