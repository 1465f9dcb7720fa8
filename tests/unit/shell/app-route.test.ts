import { describe, expect, it } from 'vitest';
import { decideAppRoute, isAppPage, isAppUrl } from '../../../electron/shell/app-route.ts';

describe('decideAppRoute', () => {
  it.each([
    ['corral://app/', 'index.html', 'text/html; charset=utf-8'],
    ['corral://app/#/logs/qwen3', 'index.html', 'text/html; charset=utf-8'],
    ['corral://app/assets/index-B1x_9.js', 'assets/index-B1x_9.js', 'text/javascript; charset=utf-8'],
    ['corral://app/assets/index.css?v=1', 'assets/index.css', 'text/css; charset=utf-8'],
    ['corral://app/icon.svg', 'icon.svg', 'image/svg+xml; charset=utf-8'],
  ])('serves %s from %s', (url, file, contentType) => {
    expect(decideAppRoute('GET', url)).toEqual({ kind: 'file', file, contentType });
    expect(decideAppRoute('HEAD', url)).toMatchObject({ kind: 'file', file });
  });

  it.each([
    'corral://app/assets/..%2f..%2fpackage.json',
    'corral://app/%2e%2e%2fmain.js',
    'corral://app/..%5cmain.js',
    'corral://app/..\\main.js',
    'corral://app/assets//index.js',
    'corral://app/.hidden.js',
    'corral://app/assets/.env.json',
    'corral://app/index.html%00.js',
    'corral://app/assets',
    'corral://app/main.ts',
    'corral://app/toString',
    'corral://app/a.constructor',
    'corral://app/v1',
    'corral://app/control/commands/get-snapshot',
    'corral://app/health',
    'corral://other/index.html',
    'corral://app:99/index.html',
    'corral://user@app/index.html',
    'http://app/index.html',
    'file:///index.html',
    'index.html',
  ])('finds nothing at %s', (url) => {
    expect(decideAppRoute('GET', url)).toMatchObject({ kind: 'refused', status: 404 });
  });

  it('stays below the folder after dots are resolved', () => {
    expect(decideAppRoute('GET', 'corral://app/../../index.html')).toMatchObject({ kind: 'file', file: 'index.html' });
    expect(decideAppRoute('GET', 'corral://app/assets/%2e%2e/%2e%2e/main.js')).toMatchObject({ file: 'main.js' });
  });

  it('takes no body for files', () => {
    expect(decideAppRoute('POST', 'corral://app/index.html')).toMatchObject({ kind: 'refused', status: 405 });
  });

  it.each([
    ['POST', 'corral://app/v1/chat/completions', '/v1/chat/completions'],
    ['GET', 'corral://app/v1/models?a=b', '/v1/models?a=b'],
    // Ids of models have slashes.
    ['GET', 'corral://app/v1/models/org%2Fmodel', '/v1/models/org%2Fmodel'],
  ])('passes %s %s on', (method, url, pathAndQuery) => {
    expect(decideAppRoute(method, url)).toEqual({ kind: 'engine', pathAndQuery });
  });

  it.each([
    'corral://app/v1/..%2fcontrol/commands/get-snapshot',
    'corral://app/v1/.%2e/control',
    'corral://app/v1/..%5ccontrol',
    'corral://app/v1/%2e%2e/control/events',
    'corral://app/v1/../control/events',
  ])('does not lead out of /v1 by %s', (url) => {
    expect(decideAppRoute('GET', url).kind).toBe('refused');
  });

  it('passes only methods of the API on', () => {
    expect(decideAppRoute('PUT', 'corral://app/v1/models')).toMatchObject({ kind: 'refused', status: 405 });
    expect(decideAppRoute('OPTIONS', 'corral://app/v1/models')).toMatchObject({ kind: 'refused', status: 405 });
  });
});

describe('isAppPage', () => {
  it.each(['corral://app/', 'corral://app/#/queue', 'corral://app/index.html', 'corral://app/?a#b'])(
    'knows %s',
    (url) => {
      expect(isAppPage(url)).toBe(true);
    },
  );

  it.each([
    'corral://app/v1/models',
    'corral://app/assets/a.js',
    'corral://application/',
    'https://app/',
    'about:blank',
    '',
  ])('is not %s', (url) => {
    expect(isAppPage(url)).toBe(false);
  });
});

describe('isAppUrl', () => {
  it('tells the window’s own origin from others that look like it', () => {
    expect(isAppUrl('corral://app/v1/models')).toBe(true);
    expect(isAppUrl('corral://app')).toBe(true);
    expect(isAppUrl('corral://app.example/')).toBe(false);
    expect(isAppUrl('corral:app')).toBe(false);
    expect(isAppUrl('corrals://app/')).toBe(false);
  });
});
