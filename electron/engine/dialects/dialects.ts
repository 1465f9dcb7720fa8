import type { Dialect } from './dialect.ts';
import type { DialectName } from './dialect-names.ts';
import { llamaCppRouterDialect } from './llama-cpp-router/dialect.ts';
import { llamaModelRouterDialect } from './llama-model-router/dialect.ts';
import { llamaRouterDialect } from './llama-router/dialect.ts';
import { llamaSwapDialect } from './llama-swap/dialect.ts';
import { routerModelDialect } from './routermodel/dialect.ts';

/** One line a dialect. */
const dialects: readonly Dialect[] = [
  llamaCppRouterDialect,
  llamaRouterDialect,
  llamaModelRouterDialect,
  routerModelDialect,
  llamaSwapDialect,
];

/** Undefined for the native ones. */
export function findDialect(name: DialectName): Dialect | undefined {
  return dialects.find((dialect) => dialect.name === name);
}
