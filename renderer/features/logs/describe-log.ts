import type { LogIndex } from './log-index.ts';

/** What a log's page says of it. Pure. */

export function describeMatches(
  query: string,
  index: Pick<LogIndex, 'matchCount' | 'matchIndexOf'>,
  current: number | undefined,
  isSearching: boolean,
): string {
  if (query === '') return '';
  const count = index.matchCount();
  if (count === 0) return isSearching ? 'searching…' : 'no match';
  const place = current === undefined ? -1 : index.matchIndexOf(current);
  if (place === -1) return count === 1 ? '1 line' : `${count} lines`;
  return `${place + 1} of ${count} lines`;
}

export function describeBeginning(beginning: 'whole' | 'more' | 'lost' | 'cleared', folder: string): string {
  switch (beginning) {
    case 'whole':
      return 'The log begins here.';
    case 'more':
      return 'Fetching earlier lines…';
    case 'lost':
      return `Earlier lines are in the files below ${folder === '' ? 'Corral’s data folder' : folder}, folder logs.`;
    case 'cleared':
      return 'Cleared up to here.';
  }
}

export function describeEmpty(
  isApp: boolean,
  isProblemsOnly: boolean,
): { readonly title: string; readonly text: string } {
  if (isProblemsOnly) {
    return {
      title: 'No warnings and no errors',
      text: 'Nothing in this log looks like trouble. “All” shows every line.',
    };
  }
  return isApp
    ? { title: 'Corral has noted nothing yet', text: 'What it loads, ejects and refuses appears here.' }
    : {
        title: 'This model has not said anything yet',
        text: 'Its output appears here once it is loaded: load it on the Herd page, or send it a request.',
      };
}
