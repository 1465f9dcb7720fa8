import { expect, it } from 'vitest';
import { findIssueLines } from '../../../../renderer/features/settings/issue-lines.ts';

it('finds the lines that issues name, wherever they name them', () => {
  const lines = findIssueLines([
    { path: '', message: 'line 12, column 3: a bracket is not closed' },
    { path: 'models.q (line 7)', message: 'is unknown' },
    { path: 'models.line 9', message: 'a deadline 3' },
    { path: 'server.port', message: 'must be a number' },
  ]);
  expect([...lines]).toEqual([12, 7, 9]);
});
