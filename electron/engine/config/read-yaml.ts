import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type ErrorCode,
  type Node,
  type YAMLError,
} from 'yaml';
import type { ConfigIssue, PathSegment } from './config-issue.ts';

export interface Position {
  readonly line: number;
  readonly column: number;
}

export type ReadYaml =
  | {
      readonly ok: true;
      readonly value: unknown;
      readonly locate: (segments: readonly PathSegment[]) => Position | undefined;
    }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

/** Without the byte order mark that some editors put first. */
export function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, '');
}

/** A hundred uses of anchors are plenty by hand; a file that is built to explode needs more. */
const MAX_ALIASES = 100;

// The library's own messages quote the file, which may hold secrets; these say the same without.
const yamlProblems: Partial<Record<ErrorCode, string>> = {
  BAD_ALIAS: 'a text that begins with * must be in quotes, or refer to an &anchor above',
  BAD_DQ_ESCAPE: 'unknown escape in double quotes; use single quotes to keep a backslash',
  BAD_INDENT: 'the indentation does not fit the lines above, or a bracket or brace is not closed',
  BAD_SCALAR_START: 'a text that begins with this character must be in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'two keys on one line; break the line, or put the text in quotes',
  BLOCK_IN_FLOW: 'a block cannot stand inside brackets or braces',
  DUPLICATE_KEY: 'this key is there twice; keep one',
  KEY_OVER_1024_CHARS: 'a key is too long',
  MISSING_CHAR: 'a closing quote, bracket or brace, a colon or a comma is missing',
  MULTILINE_IMPLICIT_KEY: 'a key goes over several lines; perhaps a colon or a quote is missing',
  MULTIPLE_DOCS: 'only one document is allowed; remove the --- line and what follows',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'indent with spaces, not tabs',
  TAG_RESOLVE_FAILED: 'tags (words that begin with !) are not supported; put the text in quotes',
};

/**
 * Reads YAML 1.2 (and so JSON). Never throws for what the text holds: syntax errors, keys that are there twice, tags,
 * too many or circular aliases become issues with line and column. `locate` finds the key or list entry of a path, or
 * the nearest thing around it.
 */
export function readYaml(text: string): ReadYaml {
  const lineCounter = new LineCounter();
  const positionOf = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset);
    return { line, column: Math.max(1, col) };
  };
  let document: Document.Parsed;
  try {
    document = parseDocument(text, {
      version: '1.2',
      lineCounter,
      prettyErrors: false,
      uniqueKeys: true,
      merge: false,
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { ok: false, issues: [{ path: '', message: 'nested too deeply' }] };
  }

  const problems: YAMLError[] = [...document.errors, ...document.warnings];
  if (problems.length > 0) {
    return {
      ok: false,
      issues: problems.map((problem) => ({
        path: '',
        message: yamlProblems[problem.code] ?? `this is not valid YAML (${problem.code})`,
        ...positionOf(problem.pos[0]),
      })),
    };
  }

  const aliasProblem = findAliasProblem(document);
  if (aliasProblem !== undefined) {
    return { ok: false, issues: [{ path: '', message: aliasProblem.message, ...positionOf(aliasProblem.offset) }] };
  }

  keepSpelling(document);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    if (!(error instanceof ReferenceError || error instanceof RangeError)) throw error;
    const offset = firstAliasOffset(document) ?? 0;
    return {
      ok: false,
      issues: [{ path: '', message: 'too many aliases (*name): write the values out', ...positionOf(offset) }],
    };
  }
  return {
    ok: true,
    value,
    locate: (segments) => {
      const offset = findOffset(document, segments);
      return offset === undefined ? undefined : positionOf(offset);
    },
  };
}

/** An alias inside of what it refers to would make a value without an end. */
function findAliasProblem(document: Document.Parsed): { message: string; offset: number } | undefined {
  let found: { message: string; offset: number } | undefined;
  visit(document, {
    Alias(_key, alias, ancestors) {
      const target = alias.resolve(document);
      const isCircular = ancestors.some((ancestor) => ancestor === target);
      if (target !== undefined && !isCircular) return undefined;
      const message = isCircular
        ? 'an alias (*name) refers to something it is a part of'
        : 'an alias (*name) refers to no &anchor above it; if it is a text, put it in quotes';
      found = { message, offset: alias.range?.[0] ?? 0 };
      return visit.BREAK;
    },
  });
  return found;
}

function firstAliasOffset(document: Document.Parsed): number | undefined {
  let offset: number | undefined;
  visit(document, {
    Alias(_key, alias) {
      offset = alias.range?.[0];
      return visit.BREAK;
    },
  });
  return offset;
}

const childTextKeys = new Set(['args', 'env', 'command', 'stopCommand']);

/**
 * Keys, and what is passed on to a child, are text to us even where YAML sees a number: `1.10` must not become `1.1` in
 * the id of a model or in an argument.
 */
function keepSpelling(document: Document.Parsed): void {
  visit(document, {
    Pair(_key, pair) {
      if (isScalar(pair.key) && typeof pair.key.value !== 'string' && pair.key.source !== undefined) {
        pair.key.value = pair.key.source;
      }
    },
    Scalar(key, scalar, ancestors) {
      if (key === 'key' || typeof scalar.value !== 'number' || scalar.source === undefined) return;
      const keys = ancestors.filter(isPair).map((pair) => (isScalar(pair.key) ? String(pair.key.value) : ''));
      const owner = keys[0] === 'defaults' ? keys[1] : keys[0] === 'models' ? keys[2] : undefined;
      if (owner !== undefined && childTextKeys.has(owner)) scalar.value = scalar.source;
    },
  });
}

function findOffset(document: Document.Parsed, segments: readonly PathSegment[]): number | undefined {
  let node: Node | null = document.contents;
  let offset: number | undefined = node?.range?.[0];
  for (const segment of segments) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    let next: unknown;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(segment));
      if (pair === undefined) return offset;
      offset = isScalar(pair.key) ? (pair.key.range?.[0] ?? offset) : offset;
      next = pair.value;
    } else if (isSeq(node) && typeof segment === 'number') {
      next = node.items[segment];
      if (next === undefined) return offset;
    } else {
      return offset;
    }
    node = isAlias(next) || isMap(next) || isSeq(next) || isScalar(next) ? next : null;
    if (typeof segment === 'number') offset = node?.range?.[0] ?? offset;
  }
  return offset;
}
