import { describe, expect, it } from 'vitest';
import { findRouterRoute, isProxied } from '../../../../electron/engine/dialects/llama-router/routes.ts';

describe('routes', () => {
  it.each([
    ['GET', '/v1/models', { kind: 'models' }],
    ['GET', '/health', { kind: 'look', model: undefined, path: '/health' }],
    ['GET', '/props', { kind: 'look', model: undefined, path: '/props' }],
    ['GET', '/slots', { kind: 'look', model: undefined, path: '/slots' }],
    ['GET', '/Qwen3-8B-Q4_K_M.gguf/health', { kind: 'look', model: 'Qwen3-8B-Q4_K_M.gguf', path: '/health' }],
    ['HEAD', '/org/model/props', { kind: 'look', model: 'org/model', path: '/props' }],
    ['GET', '/a%20b/slots', { kind: 'look', model: 'a b', path: '/slots' }],
    ['POST', '/admin/reload', { kind: 'reload' }],
    ['GET', '/admin/rescan', { kind: 'rescan' }],
    ['GET', '/admin/reload', { kind: 'wrong-method', allowed: 'POST' }],
    ['POST', '/admin/rescan', { kind: 'wrong-method', allowed: 'GET' }],
    ['GET', '/v1/models/health', undefined],
    ['POST', '/a/health', undefined],
    ['GET', '/%zz/health', undefined],
    ['POST', '/v1/chat/completions', undefined],
    ['GET', '/upstream/a/health', undefined],
  ])('%s %s', (method, pathname, expected) => {
    expect(findRouterRoute(method, pathname)).toEqual(expected);
  });

  it('are passed on by their beginning; an empty list passes all', () => {
    expect(isProxied('/v1/chat/completions', ['/v1/', '/health'])).toBe(true);
    expect(isProxied('/props', ['/v1/', '/health'])).toBe(false);
    expect(isProxied('/props', [])).toBe(true);
  });
});
