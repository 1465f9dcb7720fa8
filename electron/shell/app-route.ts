/** Where requests of the window's own address lead. Pure: nothing is read or fetched. */

export const APP_SCHEME = 'corral';
const APP_HOST = 'app';
export const APP_URL = `${APP_SCHEME}://${APP_HOST}/`;

export type AppRoute =
  /** `file` is relative to the folder of the built window, with forward slashes. */
  | { readonly kind: 'file'; readonly file: string; readonly contentType: string }
  /** An inference route, passed on to the engine. */
  | { readonly kind: 'engine'; readonly pathAndQuery: string }
  | { readonly kind: 'refused'; readonly status: 404 | 405; readonly reason: string };

const contentTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json; charset=utf-8',
  svg: 'image/svg+xml; charset=utf-8',
  png: 'image/png',
  ico: 'image/x-icon',
  woff2: 'font/woff2',
};

/** What the bundler names its files: no encoded characters, no hidden files, no way up. */
const plainSegment = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/** True for addresses of the window's own origin. Node gives other schemes than the web's no origin to compare. */
export function isAppUrl(url: string): boolean {
  const parsed = parseUrl(url);
  return parsed !== undefined && isOfApp(parsed);
}

/** True for the one document that the window shows, whatever its fragment. */
export function isAppPage(url: string): boolean {
  const parsed = parseUrl(url);
  return parsed !== undefined && isOfApp(parsed) && (parsed.pathname === '/' || parsed.pathname === '/index.html');
}

export function decideAppRoute(method: string, url: string): AppRoute {
  const parsed = parseUrl(url);
  if (parsed === undefined || !isOfApp(parsed)) return refused(404, 'This address is not the window’s own.');
  const { pathname, search } = parsed;
  if (pathname.startsWith('/v1/')) {
    if (!['GET', 'HEAD', 'POST', 'DELETE'].includes(method)) return refused(405, `${method} is not passed on.`);
    // What the engine decodes must not lead out of /v1 either.
    return /(?:%2e|\.){2}|\\|%5c|%00/i.test(pathname)
      ? refused(404, 'There is nothing at this path.')
      : { kind: 'engine', pathAndQuery: `${pathname}${search}` };
  }
  if (method !== 'GET' && method !== 'HEAD') return refused(405, `${method} is not for files.`);
  const file = pathname === '/' ? 'index.html' : pathname.slice(1);
  const [, extension = ''] = /\.([a-z0-9]+)$/.exec(file) ?? [];
  const contentType = Object.hasOwn(contentTypes, extension) ? contentTypes[extension] : undefined;
  if (contentType === undefined || !file.split('/').every((segment) => plainSegment.test(segment))) {
    return refused(404, 'There is nothing at this path.');
  }
  return { kind: 'file', file, contentType };
}

function refused(status: 404 | 405, reason: string): AppRoute {
  return { kind: 'refused', status, reason };
}

function isOfApp(url: URL): boolean {
  return url.protocol === `${APP_SCHEME}:` && url.host === APP_HOST && url.username === '' && url.password === '';
}

function parseUrl(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}
