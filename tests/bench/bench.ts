import type { Programs } from './programs.ts';
import type { Spread } from './statistics.ts';

export interface BenchContext {
  readonly programs: Programs;
  /** Fewer and shorter rounds. */
  readonly isQuick: boolean;
  readonly rounds: number;
  /** Arguments for the Node that runs Corral, such as `--cpu-prof`. */
  readonly corralNodeArgs: readonly string[];
  /** Says what is being done; nothing of it belongs to the result. */
  progress(text: string): void;
}

/** A number of the table: a measure over rounds, a single value, or undefined where there is nothing to measure. */
export type Cell = Spread | number | undefined;

export interface Row {
  readonly name: string;
  readonly unit: 'ms' | 'µs' | '/s' | 'MB' | '' | '×';
  readonly cells: readonly Cell[];
}

export interface Table {
  readonly title: string;
  /** Heads of the cells. */
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

/** What was set out to be reached. Nothing fails if it is not. */
export interface Goal {
  readonly name: string;
  readonly bound: { readonly atLeast: number } | { readonly atMost: number };
  readonly unit: Row['unit'];
  readonly measured: number;
}

export interface BenchResult {
  readonly tables: readonly Table[];
  readonly goals: readonly Goal[];
  /** What a reader must know of this run. */
  readonly notes?: readonly string[];
}

export type Bench = (context: BenchContext) => Promise<BenchResult>;
