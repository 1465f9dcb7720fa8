import { createNeedle } from './log-index.ts';

export interface TextPart {
  readonly text: string;
  readonly isMatch: boolean;
}

/** A text in parts, so that what was searched for can be marked. Pure. */
export function splitMatches(text: string, query: string): readonly TextPart[] {
  if (query === '') return [{ text, isMatch: false }];
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(createNeedle(query, 'gi'))) {
    if (match.index > end) parts.push({ text: text.slice(end, match.index), isMatch: false });
    parts.push({ text: match[0], isMatch: true });
    end = match.index + match[0].length;
  }
  if (end < text.length || parts.length === 0) parts.push({ text: text.slice(end), isMatch: false });
  return parts;
}
