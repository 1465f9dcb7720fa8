import { literal } from '../literal.ts';
import type { LocatedIssue, PathSegment } from '../../config/config-issue.ts';

/** Texts of a llama-swap file, in which `${name}` stands for something. Pure. */

export type MacroValue = string | number | boolean;

/** What a text may refer to besides macros and `${env.NAME}`. */
export interface MacroScope {
  readonly macros: ReadonlyMap<string, MacroValue>;
  readonly modelId?: string | undefined;
  /** What `${PORT}` becomes; undefined where there is none. */
  readonly port?: string | undefined;
  /** `${PID}` is known and stays as it is. */
  readonly hasPid?: boolean | undefined;
}

export interface MacroExpander {
  /** The text with everything in it replaced; variables of the environment stay as `${env.NAME}`. */
  expand(text: string, scope: MacroScope, at: readonly PathSegment[]): string;
  /** Like `expand`, with variables of the environment replaced, too. */
  resolve(text: string, scope: MacroScope, at: readonly PathSegment[]): string;
  /** Every text of a value resolved; a text that is one macro becomes what the macro is. */
  resolveAll(value: unknown, scope: MacroScope, at: readonly PathSegment[]): unknown;
}

const REFERENCE = /\$\{([^}]*)\}/g;
const WHOLE_REFERENCE = /^\$\{([^}]*)\}$/;
const VARIABLE = /^env\.([^\s$]+)$/;

/** What is wrong is added to `issues`; what was replaced is good enough to go on with. */
export function createMacroExpander(
  env: Readonly<Record<string, string | undefined>>,
  issues: LocatedIssue[],
): MacroExpander {
  function expandWith(
    text: string,
    scope: MacroScope,
    at: readonly PathSegment[],
    { keepsVariables, inside = [] }: { keepsVariables: boolean; inside?: readonly string[] },
  ): string {
    return text.replace(REFERENCE, (match, name: string) => {
      const variable = VARIABLE.exec(name)?.[1];
      if (variable !== undefined) {
        const value = Object.hasOwn(env, variable) ? env[variable] : undefined;
        if (value === undefined) {
          issues.push({ segments: [...at], message: `needs the environment variable ${variable}, which is not set` });
          return '';
        }
        return keepsVariables ? match : value;
      }
      if (name === 'MODEL_ID' && scope.modelId !== undefined) return scope.modelId;
      if (name === 'PORT' && scope.port !== undefined) return scope.port;
      if (name === 'PID' && scope.hasPid === true) return match;
      const macro = scope.macros.get(name);
      if (macro === undefined || inside.includes(name)) {
        const problem = macro === undefined ? 'has an unknown macro' : 'uses a macro that refers to itself,';
        issues.push({ segments: [...at], message: `${problem} \${${name}}` });
        return '';
      }
      return expandWith(String(macro), scope, at, { keepsVariables, inside: [...inside, name] });
    });
  }

  const resolve: MacroExpander['resolve'] = (text, scope, at) => expandWith(text, scope, at, { keepsVariables: false });

  function resolveAll(value: unknown, scope: MacroScope, at: readonly PathSegment[]): unknown {
    if (typeof value === 'string') {
      const name = WHOLE_REFERENCE.exec(value)?.[1] ?? '';
      if (name === 'PORT' && /^\d+$/.test(scope.port ?? '')) return Number(scope.port);
      const macro = scope.macros.get(name);
      return macro === undefined || typeof macro === 'string' ? resolve(value, scope, at) : macro;
    }
    if (Array.isArray(value)) return value.map((entry: unknown, index) => resolveAll(entry, scope, [...at, index]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [
        resolve(key, scope, [...at, key]),
        resolveAll(entry, scope, [...at, key]),
      ]),
    );
  }

  return {
    expand: (text, scope, at) => expandWith(text, scope, at, { keepsVariables: true }),
    resolve,
    resolveAll,
  };
}

/** Every text of a value as a native configuration writes it. */
export function literalAll(value: unknown): unknown {
  if (typeof value === 'string') return literal(value);
  if (Array.isArray(value)) return value.map(literalAll);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, literalAll(entry)]));
}
