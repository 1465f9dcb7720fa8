import { describe, expect, it } from 'vitest';
import { decideNavigation, isPermissionGranted } from '../../../electron/shell/navigation-policy.ts';

describe('decideNavigation', () => {
  it.each([
    ['corral://app/', 'stay'],
    ['corral://app/#/settings', 'stay'],
    ['https://github.com/ggml-org/llama.cpp', 'open-outside'],
    ['https://huggingface.co/models?search=gguf', 'open-outside'],
    // An answer of a model, shown as a page of our own origin.
    ['corral://app/v1/models', 'block'],
    ['http://github.com/', 'block'],
    ['https://github.com:8443/', 'block'],
    ['https://user:secret@github.com/', 'block'],
    ['https://github.com.example.org/', 'block'],
    ['https://evil.example/', 'block'],
    ['http://127.0.0.1:5526/ui/', 'block'],
    ['file:///etc/passwd', 'block'],
    ['javascript:alert(1)', 'block'],
    ['data:text/html,<script>alert(1)</script>', 'block'],
    ['blob:corral://app/1', 'block'],
    ['about:blank', 'block'],
    ['smb://github.com/share', 'block'],
    ['not an address', 'block'],
  ])('%s: %s', (url, decision) => {
    expect(decideNavigation(url)).toBe(decision);
  });
});

describe('isPermissionGranted', () => {
  it('lets our own page copy, and nothing else', () => {
    expect(isPermissionGranted('clipboard-sanitized-write', 'corral://app/')).toBe(true);
    expect(isPermissionGranted('clipboard-sanitized-write', 'https://example.org/')).toBe(false);
    for (const permission of [
      'clipboard-read',
      'media',
      'geolocation',
      'notifications',
      'openExternal',
      'fullscreen',
    ]) {
      expect(isPermissionGranted(permission, 'corral://app/')).toBe(false);
    }
  });
});
