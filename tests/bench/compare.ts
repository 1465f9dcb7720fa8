import type { Row } from './bench.ts';
import { targetNames, type Measured, type TargetName } from './rig.ts';
import { ratioSpread, spreadOf, type Spread } from './statistics.ts';

export const comparisonColumns = ['upstream itself', 'bare forwarder', 'Corral', 'Corral ÷ bare'];

export type Rounds = Readonly<Record<TargetName, readonly Measured[]>>;

/** A row that compares the three, and the ratio that goals are about. */
export function compareRow(
  rounds: Rounds,
  name: string,
  unit: Row['unit'],
  read: (measured: Measured) => number,
): { row: Row; ratio: Spread } {
  const values = targetNames.map((target) => rounds[target].map(read));
  const [, bare = [], corral = []] = values;
  const ratio = ratioSpread(corral, bare);
  const cells = values.map((each) => (each.every(Number.isNaN) ? undefined : spreadOf(each)));
  return { row: { name, unit, cells: [...cells, ratio] }, ratio };
}

/** The same for what a forwarder adds to the upstream's own time. */
export function compareAddedRow(
  rounds: Rounds,
  name: string,
  unit: Row['unit'],
  read: (measured: Measured) => number,
): { row: Row; ratio: Spread } {
  const direct = rounds.direct.map(read);
  const added = (target: 'bare' | 'corral'): number[] =>
    rounds[target].map((measured, round) => read(measured) - (direct[round] ?? Number.NaN));
  const ratio = ratioSpread(added('corral'), added('bare'));
  return { row: { name, unit, cells: [undefined, spreadOf(added('bare')), spreadOf(added('corral')), ratio] }, ratio };
}
