import { describe, expect, it } from 'vitest';
import { checkSlotFiles } from '../../../electron/engine/proxy/slot-files.ts';

describe('the slots of a model whose KV cache Corral keeps', () => {
  it.each([
    '/slots/0?action=save',
    '/slots/0?action=restore&model=m',
    '/slots/12/?model=m&action=save',
    '/slots/0?%61ction=save',
    '/slots/0?action=erase&action=save',
    '/slots/0?action=erase%26action=save',
    '/%73lots/0?action=save',
    '/slots%2F0?action=save',
    '/v1//slots//0?action=SAVE',
    '/slots/%zz?action=save',
  ])('are neither saved nor restored by clients: %s', (path) => {
    expect(checkSlotFiles('POST', path, 'm')).toMatchObject({ code: 'forbidden' });
  });

  it.each([
    ['POST', '/slots/0?action=erase'],
    ['POST', '/slots/0'],
    ['GET', '/slots?model=m'],
    ['POST', '/v1/chat/completions?action=save'],
    [undefined, '/slots/0?action=save'],
  ])('are open to everything else: %s %s', (method, path) => {
    expect(checkSlotFiles(method, path, 'm')).toBeUndefined();
  });
});
