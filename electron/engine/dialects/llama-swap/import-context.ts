import { formatPath, type LocatedIssue, type PathSegment } from '../../config/config-issue.ts';
import type { ImportEntry } from '../foreign-format.ts';
import type { MacroExpander, MacroValue } from './macros.ts';

/** What the parts of an import share: the texts of the file, what is wrong with it and what became of it. */
export interface ImportContext {
  readonly expander: MacroExpander;
  readonly macros: ReadonlyMap<string, MacroValue>;
  readonly isWindows: boolean;
  readonly isEarly: boolean;
  readonly issues: LocatedIssue[];
  readonly report: ImportEntry[];
  mapped(at: readonly PathSegment[], note: string, to?: readonly PathSegment[]): void;
  approximated(at: readonly PathSegment[], note: string, to?: readonly PathSegment[]): void;
  dropped(at: readonly PathSegment[], note: string): void;
  refuse(at: readonly PathSegment[], message: string): void;
  /** A whole number that may be written as text; undefined, and an error, for anything else. */
  wholeNumber(
    value: string | number | null | undefined,
    at: readonly PathSegment[],
    least?: number,
  ): number | undefined;
  isTrue(value: string | boolean | null | undefined): boolean;
}

export function createImportContext(
  base: Pick<ImportContext, 'expander' | 'macros' | 'isWindows' | 'isEarly' | 'issues'>,
): ImportContext {
  const report: ImportEntry[] = [];
  const note =
    (outcome: ImportEntry['outcome']) =>
    (at: readonly PathSegment[], text: string, to?: readonly PathSegment[]): void => {
      report.push({ path: formatPath(at), outcome, note: text, ...(to === undefined ? {} : { to: formatPath(to) }) });
    };
  const refuse = (at: readonly PathSegment[], message: string): void => {
    base.issues.push({ segments: [...at], message });
  };
  return {
    ...base,
    report,
    mapped: note('mapped'),
    approximated: note('approximated'),
    dropped: note('dropped'),
    refuse,
    wholeNumber(value, at, least = 0) {
      if (value === null || value === undefined) return undefined;
      const written = typeof value === 'number' ? value : base.expander.resolve(value, { macros: base.macros }, at);
      const number = written === '' ? Number.NaN : Number(written);
      if (Number.isInteger(number) && number >= least) return number;
      refuse(at, `must be a whole number, ${least} or more`);
      return undefined;
    },
    isTrue: (value) => value === true || (typeof value === 'string' && /^(true|1)$/i.test(value)),
  };
}

/** As a native configuration writes a number of seconds. */
export function seconds(count: number): string | 0 {
  return count === 0 ? 0 : `${count}s`;
}
