import type { Dialect } from './dialect.ts';
import type { DialectName } from './dialect-names.ts';
import { llamaCppRouterDialect } from './llama-cpp-router/dialect.ts';

/** One line a dialect. */
const dialects: readonly Dialect[] = [llamaCppRouterDialect];

/** Undefined for the native ones. */
export function findDialect(name: DialectName): Dialect | undefined {
  return dialects.find((dialect) => dialect.name === name);
}
