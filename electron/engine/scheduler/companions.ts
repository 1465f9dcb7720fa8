import type { ModelFacts } from './view.ts';

/** Which models may be loaded side by side, as far as sets and addresses say. Pure. */

export interface SetFacts {
  readonly name: string;
  readonly models: readonly string[];
  /** Bears nothing beside it but pinned models. */
  readonly isExclusive: boolean;
  /** Unloads everything else as one of its members is loaded; bears what comes later. */
  readonly evictsOthers?: boolean;
  readonly isOneAtATime?: boolean;
  /** Stays where `isExclusive` and `evictsOthers` would unload it. */
  readonly isPersistent?: boolean;
  /** Its members are together only while they are asked for by its name. */
  readonly isByName?: boolean;
}

export interface Companions {
  /** Whether two models take one place, in the light of what is asked for. */
  areTogether(one: string, other: string): boolean;
  /** Whether a resident model has to go for the one that is asked for. */
  isRuledOut(other: ModelFacts): boolean;
  /** Whether a resident model listens where the one that is asked for will. */
  isAddressTaken(other: ModelFacts): boolean;
}

/** A model that is asked for, and the set it is asked for by. */
interface Asked {
  readonly id: string;
  readonly setName: string | undefined;
}

export function createCompanions(
  sets: readonly SetFacts[],
  addresses: ReadonlyMap<string, string>,
): { of(asked: Asked, residents: readonly ModelFacts[]): Companions } {
  const shareAddress = (one: string, other: string): boolean => {
    const address = addresses.get(one);
    return address !== undefined && address === addresses.get(other);
  };

  return {
    of(asked, residents) {
      const askedBy = new Map(residents.map(({ id, setName }) => [id, setName]));
      askedBy.set(asked.id, asked.setName);
      const holds = (set: SetFacts, id: string): boolean =>
        set.models.includes(id) && (set.isByName !== true || askedBy.get(id) === set.name);
      const setsOf = (id: string): SetFacts[] => sets.filter((set) => holds(set, id));

      const own = setsOf(asked.id);
      const chosen = chooseExclusive(own, residents);
      const passedOver = own.filter((set) => set.isExclusive && set !== chosen);

      const areTogether = (one: string, other: string): boolean =>
        !shareAddress(one, other) &&
        sets.some((set) => {
          const concerns = one === asked.id || other === asked.id;
          return (
            set.isOneAtATime !== true && holds(set, one) && holds(set, other) && !(concerns && passedOver.includes(set))
          );
        });

      const isRuledOut = ({ id }: ModelFacts): boolean => {
        if (shareAddress(asked.id, id)) return true;
        const theirs = setsOf(id);
        if (own.some((set) => set.isOneAtATime && theirs.includes(set))) return true;
        const isPersistent = theirs.some((set) => set.isPersistent);
        if (!isPersistent && own.some((set) => set.isExclusive || set.evictsOthers)) return true;
        return !own.some((set) => set.isPersistent) && theirs.some((set) => set.isExclusive);
      };

      return { areTogether, isRuledOut, isAddressTaken: ({ id }) => shareAddress(asked.id, id) };
    },
  };
}

/**
 * A model may be in several exclusive sets: the one whose choice costs least to load again is taken, the first of equals.
 */
function chooseExclusive(sets: readonly SetFacts[], residents: readonly ModelFacts[]): SetFacts | undefined {
  const cost = (set: SetFacts): number =>
    residents
      .filter((model) => !model.isPinned && !set.models.includes(model.id))
      .reduce((sum, model) => sum + Math.max(1, model.reloadMs), 0);
  const [first, ...rest] = sets.filter((set) => set.isExclusive);
  return rest.reduce((best, set) => (best === undefined || cost(set) < cost(best) ? set : best), first);
}
