import { expect, it } from 'vitest';
import type { SettingsPreview } from '../../../../shared/contract/settings.ts';
import { describeApplied, describePreview } from '../../../../renderer/features/settings/describe-preview.ts';

const preview: SettingsPreview = {
  text: '',
  issues: [],
  restarts: [
    { model: 'qwen3-8b', isLoaded: true, reasons: ['contextSize'] },
    { model: 'gemma', isLoaded: false, reasons: ['contextSize'] },
  ],
  added: ['phi'],
  removed: ['old'],
  isListenerChanged: true,
};

it('a preview says what happens, what is loaded first', () => {
  expect(describePreview(preview)).toEqual([
    'restarts qwen3-8b (loaded), once it has finished what it is answering: contextSize',
    'gemma: from the next load on',
    'adds phi',
    'removes old',
    'the address changes; programs that use the old one have to be told',
  ]);
});

it('says in short what was done', () => {
  expect(describeApplied(3, preview)).toBe(
    '3 changes applied; qwen3-8b restarts; phi added; old removed; the address has changed.',
  );
  const none = { ...preview, restarts: [], added: [], removed: [], isListenerChanged: false };
  expect(describeApplied(1, none)).toBe('1 change applied.');
  expect(describePreview(none)).toEqual([]);
});
