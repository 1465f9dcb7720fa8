/**
 * The expressions of llama-swap's matrix: `&` runs together, `|` are alternatives, `()` group, `+name` stands for another
 * set. Pure.
 */

export type MatrixResult =
  | { readonly ok: true; readonly combinations: readonly (readonly string[])[] }
  | { readonly ok: false; readonly problem: string };

/** More than anybody means; each becomes a set of its own. */
const MAX_COMBINATIONS = 256;

/** All combinations that an expression allows, by the short names in it, in the order in which they are written. */
export function expandMatrixSet(expression: string, sets: Readonly<Record<string, string>>): MatrixResult {
  try {
    return { ok: true, combinations: withoutRepetition(parse(expression, sets, [])) };
  } catch (thrown) {
    if (thrown instanceof MatrixError) return { ok: false, problem: thrown.message };
    throw thrown;
  }
}

class MatrixError extends Error {
  override readonly name = 'MatrixError';
}

type Combinations = readonly (readonly string[])[];

function parse(expression: string, sets: Readonly<Record<string, string>>, inside: readonly string[]): Combinations {
  const tokens = tokenise(expression);
  let position = 0;

  const alternatives = (): Combinations => {
    let found = together();
    while (tokens[position] === '|') {
      position += 1;
      found = limited([...found, ...together()]);
    }
    return found;
  };
  const together = (): Combinations => {
    let found = single();
    while (tokens[position] === '&') {
      position += 1;
      const next = single();
      found = limited(found.flatMap((left) => next.map((right) => [...left, ...right])));
    }
    return found;
  };
  const single = (): Combinations => {
    const token = tokens[position];
    position += 1;
    if (token === undefined) throw new MatrixError('ends too early');
    if (token === '(') {
      const found = alternatives();
      if (tokens[position] !== ')') throw new MatrixError('has a ( that is never closed');
      position += 1;
      return found;
    }
    if (token.startsWith('+')) return inline(token.slice(1));
    if (!/^\w/.test(token)) throw new MatrixError(`has a ${token} where a name is expected`);
    return [[token]];
  };
  const inline = (name: string): Combinations => {
    const other = Object.hasOwn(sets, name) ? sets[name] : undefined;
    if (other === undefined) throw new MatrixError(`refers to an unknown set +${name}`);
    if (inside.includes(name)) throw new MatrixError(`refers to itself by +${name}`);
    return parse(other, sets, [...inside, name]);
  };

  const found = alternatives();
  if (position < tokens.length) throw new MatrixError(`has a ${tokens[position] ?? ''} that is not expected`);
  return found;
}

function tokenise(expression: string): string[] {
  const tokens = expression.match(/\+?[\w-]+|[&|()]|\S/g) ?? [];
  if (tokens.length === 0) throw new MatrixError('is empty');
  return tokens;
}

function limited(combinations: Combinations): Combinations {
  if (combinations.length > MAX_COMBINATIONS)
    throw new MatrixError(`allows more than ${MAX_COMBINATIONS} combinations`);
  return combinations;
}

function withoutRepetition(combinations: Combinations): Combinations {
  return combinations.map((names) => [...new Set(names)]);
}
