/** Paths of llama-router, told apart. Pure. */

export type RouterRoute =
  | { readonly kind: 'models' }
  /** `/health`, `/props` and `/slots` of one model, or of the one that was started last. */
  | { readonly kind: 'look'; readonly model: string | undefined; readonly path: LookPath }
  | { readonly kind: 'reload' }
  | { readonly kind: 'rescan' }
  | { readonly kind: 'wrong-method'; readonly allowed: string };

export type LookPath = '/health' | '/props' | '/slots';

const lookPaths: readonly LookPath[] = ['/health', '/props', '/slots'];

/** Undefined for what is none of them. A model's name may hold slashes; `/v1/…` is never a model. */
export function findRouterRoute(method: string, pathname: string): RouterRoute | undefined {
  const isGet = method === 'GET' || method === 'HEAD';
  if (pathname === '/admin/reload') return method === 'POST' ? { kind: 'reload' } : wrong('POST');
  if (pathname === '/admin/rescan') return isGet ? { kind: 'rescan' } : wrong('GET');
  if (!isGet) return undefined;
  if (pathname === '/v1/models' || pathname === '/models') return { kind: 'models' };
  const path = lookPaths.find((each) => pathname.endsWith(each));
  if (path === undefined || pathname.startsWith('/v1/') || pathname.startsWith('/upstream/')) return undefined;
  const model = pathname.slice(1, -path.length);
  if (model === '') return pathname === path ? { kind: 'look', model: undefined, path } : undefined;
  const decoded = decode(model);
  return decoded === undefined ? undefined : { kind: 'look', model: decoded, path };
}

function wrong(allowed: string): RouterRoute {
  return { kind: 'wrong-method', allowed };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (thrown) {
    if (thrown instanceof URIError) return undefined;
    throw thrown;
  }
}

/** Whether a path may go to a model. An empty list allows all. */
export function isProxied(pathname: string, endpoints: readonly string[]): boolean {
  return endpoints.length === 0 || endpoints.some((beginning) => pathname.startsWith(beginning));
}
