import { isAlias, isCollection, isMap, isScalar, isSeq, Lexer, parseDocument, stringify, type Document } from 'yaml';
import { AppError } from '#shared/contract/errors.ts';
import { SECRET_MASK } from '#shared/contract/settings.ts';
import { formatPath, type ConfigIssue, type PathSegment } from './config-issue.ts';
import type { ConfigEdit } from './edit-config.ts';
import { isGroup } from './json-value.ts';
import { maskLines } from './mask-lines.ts';
import { readYaml } from './read-yaml.ts';
import { isFlagValue, maskScalar } from './secret-mask.ts';

export interface MaskedSettings {
  readonly text: string;
  /** Null for what is not YAML, or holds no settings. */
  readonly values: Readonly<Record<string, unknown>> | null;
}

/** Shorter ones stand in a comment by chance. */
const MIN_RECOGNISED_LENGTH = 8;

/**
 * A configuration as it may be shown: secrets are replaced by `SECRET_MASK`, and all else is as it was, comments and layout
 * included. What is not YAML is masked line by line, and rather too much than too little. Pure.
 */
export function maskSettings(original: string): MaskedSettings {
  const text = original.replace(/^\uFEFF/, '');
  const yaml = readYaml(text);
  if (!yaml.ok) return { text: joinMasked(text), values: null };
  const value = yaml.value ?? {};
  const masked = maskValue(value, []);
  const cut = maskComments(maskNodes(text), secretsOf(value, []));
  // YAML has too many forms to trust a cut: what is shown has to mean what is masked.
  const shown = readYaml(cut);
  const shownValue = shown.ok ? (shown.value ?? {}) : undefined;
  const isTrusted = isMaskedAlike(shownValue, masked);
  const values = isTrusted ? shownValue : masked;
  return { text: isTrusted ? cut : stringify(masked), values: isGroup(values) ? plainJson(values) : null };
}

/** Equal, or masked in more places: a secret under an anchor is masked wherever that is used. */
function isMaskedAlike(shown: unknown, masked: unknown): boolean {
  if (shown === SECRET_MASK || Object.is(shown, masked)) return true;
  if (Array.isArray(shown) && Array.isArray(masked)) {
    return shown.length === masked.length && shown.every((entry, index) => isMaskedAlike(entry, masked[index]));
  }
  if (!isGroup(shown) || !isGroup(masked)) return false;
  const names = Object.keys(shown);
  return (
    names.length === Object.keys(masked).length &&
    names.every((name) => Object.hasOwn(masked, name) && isMaskedAlike(shown[name], masked[name]))
  );
}

function joinMasked(text: string): string {
  const lineBreak = text.includes('\r\n') ? '\r\n' : '\n';
  return maskLines(text.split(/\r\n|\r|\n/)).join(lineBreak);
}

/** YAML knows numbers that JSON has no form for. */
function plainJson(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(values)) as Record<string, unknown>;
}

function maskValue(value: unknown, path: readonly PathSegment[]): unknown {
  if (Array.isArray(value)) {
    return value.map((entry: unknown, index) =>
      isFlagValue(value[index - 1], entry) ? SECRET_MASK : maskValue(entry, [...path, index]),
    );
  }
  if (!isGroup(value)) return maskScalar(value, path);
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, maskValue(entry, [...path, name])]));
}

/** The texts that `maskValue` takes away. */
function secretsOf(value: unknown, path: readonly PathSegment[]): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((entry: unknown, index) =>
      isFlagValue(value[index - 1], entry) ? [String(entry)] : secretsOf(entry, [...path, index]),
    );
  }
  if (isGroup(value)) return Object.entries(value).flatMap(([name, entry]) => secretsOf(entry, [...path, name]));
  return maskScalar(value, path) === SECRET_MASK ? [String(value)] : [];
}

interface Cut {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

function maskNodes(text: string): string {
  const document = parseDocument(text, { version: '1.2', merge: false, prettyErrors: false, logLevel: 'silent' });
  const cuts = new Map<number, Cut>();

  function cut(node: unknown, masked: unknown): void {
    if (!isScalar(node) || !Array.isArray(node.range)) return;
    const [from, to] = node.range;
    const lineBreak = /\r?\n$/.exec(text.slice(from, to))?.[0] ?? '';
    cuts.set(from, { from, to, text: JSON.stringify(masked) + lineBreak });
  }

  /** By what is meant: a secret may stand elsewhere, under an anchor. */
  function walk(node: unknown, path: readonly PathSegment[], previous: unknown): void {
    if (isAlias(node)) walk(node.resolve(document), path, previous);
    else if (isMap(node)) {
      for (const { key, value } of node.items) walk(value, [...path, nameOf(key)], undefined);
    } else if (isSeq(node)) {
      node.items.forEach((item, index) => walk(item, [...path, index], plainText(node.items[index - 1], document)));
    } else if (isScalar(node)) {
      const written = typeof node.value === 'string' ? node.value : (node.source ?? node.value);
      if (isFlagValue(previous, written)) {
        cut(node, SECRET_MASK);
        return;
      }
      const masked = maskScalar(node.value, path);
      if (masked !== node.value) cut(node, masked);
    }
  }

  walk(document.contents, [], undefined);
  const ordered = [...cuts.values()].sort((left, right) => right.from - left.from);
  return ordered.reduce((masked, { from, to, text: by }) => masked.slice(0, from) + by + masked.slice(to), text);
}

function nameOf(key: unknown): string {
  if (!isScalar(key)) return '';
  return typeof key.value === 'string' ? key.value : (key.source ?? '');
}

function plainText(node: unknown, document: Document.Parsed): unknown {
  const meant = isAlias(node) ? node.resolve(document) : node;
  return isScalar(meant) && !isCollection(meant) ? meant.value : undefined;
}

/** Comments are text that nobody reads, and a good place for what was there before. */
function maskComments(text: string, secrets: readonly string[]): string {
  const known = secrets.filter((secret) => secret.length >= MIN_RECOGNISED_LENGTH);
  const tokens = [...new Lexer().lex(text)];
  // The lexer puts a mark before each text, which may begin with # too in a block.
  const isComment = tokens.map((token, index) => token.startsWith('#') && tokens[index - 1] !== SCALAR_MARK);
  const comments = tokens.filter((_, index) => isComment[index]);
  if (comments.length === 0) return text;
  // The marks count as columns of their own, so that what is commented out keeps its layout.
  const masked = maskLines(comments.map((comment) => ` ${comment.slice(1)}`));
  let next = 0;
  return tokens
    .map((token, index) => {
      if (isComment[index] !== true) return MARKS.has(token) ? '' : token;
      const comment = `#${(masked[next] ?? '').slice(1)}`;
      next += 1;
      return known.reduce((shown, secret) => shown.replaceAll(secret, SECRET_MASK), comment);
    })
    .join('');
}

/** What `yaml`'s lexer puts between the parts of the text (CST.DOCUMENT, CST.FLOW_END, CST.SCALAR). */
const SCALAR_MARK = '\x1f';
const MARKS: ReadonlySet<string> = new Set(['\x02', '\x18', SCALAR_MARK]);

/** The edits that would write a mask into the file in place of the secret it stands for. */
export function findMaskedEdits(edits: readonly ConfigEdit[]): ConfigIssue[] {
  return edits.flatMap(({ path, value }) =>
    holdsMask(value)
      ? [
          {
            path: formatPath(path),
            message: `holds ${SECRET_MASK}, which only stands for a secret; send the secret itself, or leave this setting out`,
          },
        ]
      : [],
  );
}

/** Throws `invalid-request` for what `findMaskedEdits` finds. */
export function refuseMaskedEdits(edits: readonly ConfigEdit[]): void {
  const found = findMaskedEdits(edits);
  if (found.length === 0) return;
  const lines = found.map(({ path, message }) => `${path} ${message}`);
  throw new AppError('invalid-request', `These settings cannot be saved: ${lines.join('; ')}.`);
}

function holdsMask(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return value.includes(SECRET_MASK);
  // Deeper than any setting; the edit is refused for that itself.
  if (typeof value !== 'object' || value === null || depth > 32) return false;
  return Object.entries(value).some(([name, entry]) => name.includes(SECRET_MASK) || holdsMask(entry, depth + 1));
}
