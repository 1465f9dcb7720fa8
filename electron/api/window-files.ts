import { access } from 'node:fs/promises';
import path from 'node:path';
import express, { type RequestHandler, type Response } from 'express';
import { contentSecurityPolicy } from '#shared/contract/content-security-policy.ts';

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
};

/** Files below this folder have a digest of their content in their names. */
const HASHED_FOLDER = 'assets';

/**
 * The built window, mounted at `/ui`. It needs no key: it holds nothing, and everything that it shows it has to ask for
 * with a token. `folder` may be missing, where the window was not built.
 */
export function createWindowFilesHandler(folder: string): RequestHandler {
  const root = path.resolve(folder);
  const hashed = path.join(root, HASHED_FOLDER) + path.sep;
  const files = express.static(root, {
    cacheControl: false,
    dotfiles: 'ignore',
    redirect: false,
    setHeaders(response: Response, file: string) {
      const isHashed = file.startsWith(hashed);
      response.setHeader('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });

  async function explainMissing(response: Response): Promise<void> {
    const isBuilt = await access(path.join(root, 'index.html')).then(
      () => true,
      () => false,
    );
    refuse(
      response,
      404,
      isBuilt
        ? 'There is no such file here. The window is at /ui/.'
        : 'The window has not been built. Run `npm run build` in the folder of Corral, then load this page again.',
    );
  }

  return (request, response, next) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      refuse(response, 405, `The window takes GET, not ${request.method}.`);
      return;
    }
    const [target = '', query] = request.originalUrl.split('?');
    if (request.path === '/' && !target.endsWith('/')) {
      // Relative addresses in the page start at the folder.
      response.setHeader('cache-control', 'no-cache');
      response.redirect(308, `${request.baseUrl}/${query === undefined ? '' : `?${query}`}`);
      return;
    }
    files(request, response, (thrown?: unknown) => {
      if (thrown === undefined) explainMissing(response).catch(next);
      else next(thrown);
    });
  };
}

function refuse(response: Response, status: number, text: string): void {
  response.status(status).setHeader('cache-control', 'no-store').type('text/plain').send(`${text}\n`);
}
