import { isCollection, isMap, isScalar, isSeq, parseDocument, type Document, type Pair } from 'yaml';
import type { PathSegment } from './config-issue.ts';
import { renderBlock, renderInline, renderInlinePair, renderJson, type FileStyle } from './render-yaml.ts';

/**
 * Single changes to YAML or JSON text that leave every other byte as it was: the library says where things stand, the
 * text is cut there. What is too unusual to cut returns undefined; the result has to be read back by the caller, since
 * YAML has more forms than are told apart here.
 */

type Place =
  | {
      readonly kind: 'entry';
      readonly map: Collection;
      readonly pair: Pair;
      readonly index: number;
      readonly node: unknown;
    }
  | { readonly kind: 'item'; readonly list: Collection; readonly index: number; readonly node: unknown };

interface Collection {
  readonly items: readonly unknown[];
  readonly flow?: boolean | undefined;
  readonly range?: readonly [number, number, number] | null | undefined;
}

/** Replaces the value at a path that is there. */
export function replaceValue(
  text: string,
  path: readonly PathSegment[],
  value: unknown,
  style: FileStyle,
): string | undefined {
  const place = findPlace(parse(text), path);
  if (place === undefined) return undefined;
  const parent = place.kind === 'entry' ? place.map : place.list;
  const isInBlock = parent.flow !== true && !style.isJson;
  const range = rangeOf(place.node);

  if (place.kind === 'item' || !isInBlock) {
    if (range === undefined || range[0] === range[1] || isBlockCollection(place.node)) return undefined;
    const rendered =
      style.isJson && isLong(value, text)
        ? renderJson(value, indentAt(text, range[0]), style)
        : renderInline(value, style, quoteOf(place.node));
    return splice(text, range[0], range[1], rendered);
  }

  const colon = colonAfter(text, place.pair.key);
  if (colon === undefined) return undefined;
  const isEmpty = range === undefined || range[0] === range[1];
  const wantsBlock = isGroupWithContent(value);
  if (isBlockCollection(place.node)) {
    const from = lineEnd(text, colon);
    const emptied = splice(text, from, lineEnd(text, contentEnd(text, place.pair)), '');
    return putBehind(emptied, colon, columnOf(text, rangeOf(place.pair.key)?.[0] ?? 0), value, wantsBlock, style);
  }
  if (wantsBlock) {
    const end = contentEnd(text, place.pair);
    const isLineOfItsOwn = text[end - 1] === '\n';
    const emptied = isEmpty ? text : splice(text, colon, end, isLineOfItsOwn ? style.lineBreak : '');
    return putBehind(emptied, colon, columnOf(text, rangeOf(place.pair.key)?.[0] ?? 0), value, true, style);
  }
  const rendered = renderInline(value, style, quoteOf(place.node));
  if (isEmpty) return splice(text, colon, colon, ` ${rendered}`);
  return splice(text, range[0], range[1], rendered + (text[range[1] - 1] === '\n' ? style.lineBreak : ''));
}

/** Adds an entry, behind all others, to the map or list at `path`, which is there. */
export function addEntry(
  text: string,
  path: readonly PathSegment[],
  key: PathSegment,
  value: unknown,
  style: FileStyle,
): string | undefined {
  const document = parse(text);
  const parent: unknown = path.length === 0 ? document.contents : findPlace(document, path)?.node;
  if (!isCollection(parent)) {
    if (path.length > 0 || typeof key !== 'string' || (isScalar(parent) && parent.value !== null)) return undefined;
    return withLineBreak(text, style) + renderBlock({ [key]: value }, 0, style);
  }
  if (isMap(parent) !== (typeof key === 'string')) return undefined;
  const last: unknown = parent.items.at(-1);

  if (parent.flow === true) {
    const range = parent.range;
    if (!range) return undefined;
    const column = indentAt(text, range[0]);
    if (last === undefined) {
      const isLines = style.isJson && text.includes('\n');
      const content = isMap(parent) ? { [key]: value } : [value];
      return splice(
        text,
        range[0],
        range[1],
        isLines ? renderJson(content, column, style) : renderInline(content, style),
      );
    }
    const start = startOf(last);
    const end = contentEnd(text, last);
    if (start === undefined) return undefined;
    const space = /[\s]*$/.exec(text.slice(range[0] + 1, start))?.[0] ?? '';
    const separator = space === '' ? ' ' : space;
    const inner = separator.includes('\n') ? indentAt(text, start) : column;
    const written =
      style.isJson && separator.includes('\n')
        ? `${isMap(parent) ? `${JSON.stringify(key)}: ` : ''}${renderJson(value, inner, style)}`
        : typeof key === 'string'
          ? renderInlinePair(key, value, style)
          : renderInline(value, style);
    return splice(text, end, end, `,${separator}${written}`);
  }

  if (last === undefined) return undefined;
  const at = lineEnd(text, contentEnd(text, last));
  const before = withLineBreak(text.slice(0, at), style);
  const start = startOf(parent.items[0]);
  if (start === undefined) return undefined;
  if (typeof key === 'string') {
    return before + renderBlock({ [key]: value }, columnOf(text, start), style) + text.slice(at);
  }
  const dash = dashBefore(text, start);
  return dash === undefined ? undefined : before + renderBlock([value], columnOf(text, dash), style) + text.slice(at);
}

/**
 * Removes what is at `path`, with the comment behind it and the comment lines directly above it. Those above the first
 * entry stay: they may be about the group, or about the file.
 */
export function removeEntry(text: string, path: readonly PathSegment[], style: FileStyle): string | undefined {
  const document = parse(text);
  const place = findPlace(document, path);
  if (place === undefined) return undefined;
  const parent = place.kind === 'entry' ? place.map : place.list;
  const item = parent.items[place.index];
  const start = startOf(item);
  if (start === undefined) return undefined;
  const end = contentEnd(text, item);

  if (parent.flow === true) {
    const next: unknown = parent.items[place.index + 1];
    const nextStart = startOf(next);
    if (nextStart !== undefined) return splice(text, start, nextStart, '');
    const previous: unknown = parent.items[place.index - 1];
    if (previous !== undefined) return splice(text, contentEnd(text, previous), end, '');
    const range = parent.range;
    return range ? splice(text, range[0] + 1, range[1] - 1, '') : undefined;
  }

  if (parent.items.length === 1) {
    if (path.length > 1) return replaceValue(text, path.slice(0, -1), place.kind === 'entry' ? {} : [], style);
    if (place.kind === 'item') return undefined;
  }
  const from = place.kind === 'item' ? dashBefore(text, start) : start;
  if (from === undefined) return undefined;
  const line = lineStart(text, from);
  if (text.slice(line, from).trim() === '') {
    const first = place.index === 0 ? line : commentsAbove(text, line, columnOf(text, from));
    return splice(text, first, lineEnd(text, end), '');
  }
  // The first entry of a map that begins behind the dash of a list.
  const nextStart = startOf(parent.items[place.index + 1]);
  return nextStart === undefined ? undefined : splice(text, from, nextStart, '');
}

/** The spaces of one level: those the first nested map of the file has, or two. */
export function indentStep(text: string, isJson: boolean): number {
  if (isJson) return /\n( +)\S/.exec(text)?.[1]?.length ?? 2;
  return /^[^\s#-][^\n]*:[^\n]*\r?\n(?:\s*(?:#[^\n]*)?\n)*( +)[^\s#-]/m.exec(text)?.[1]?.length ?? 2;
}

function parse(text: string): Document.Parsed {
  return parseDocument(text, { version: '1.2', prettyErrors: false, merge: false, logLevel: 'silent' });
}

function findPlace(document: Document.Parsed, path: readonly PathSegment[]): Place | undefined {
  let node: unknown = document.contents;
  let place: Place | undefined;
  for (const segment of path) {
    if (isMap(node)) {
      const index = node.items.findIndex(({ key }) => keyText(key) === String(segment));
      const pair = node.items[index];
      if (pair === undefined) return undefined;
      place = { kind: 'entry', map: node, pair, index, node: pair.value };
    } else if (isSeq(node) && typeof segment === 'number') {
      if (segment >= node.items.length) return undefined;
      place = { kind: 'item', list: node, index: segment, node: node.items[segment] };
    } else return undefined;
    node = place.node;
  }
  return place;
}

/** Keys are text to Corral, in the spelling they have in the file. */
function keyText(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  return typeof key.value === 'string' ? key.value : key.source;
}

function putBehind(
  text: string,
  colon: number,
  column: number,
  value: unknown,
  isBlock: boolean,
  style: FileStyle,
): string {
  if (!isBlock) return splice(text, colon, colon, ` ${renderInline(value, style)}`);
  const at = lineEnd(text, colon);
  const block = renderBlock(value, column + style.step, style);
  return withLineBreak(text.slice(0, at), style) + block + text.slice(at);
}

function rangeOf(node: unknown): readonly [number, number] | undefined {
  const range = (node as { range?: readonly [number, number, number] | null } | null | undefined)?.range;
  return range ? [range[0], range[1]] : undefined;
}

function startOf(item: unknown): number | undefined {
  const isPairLike = typeof item === 'object' && item !== null && 'key' in item;
  return rangeOf(isPairLike ? item.key : item)?.[0];
}

/** Where the last character of an entry stands, plus one; the comment behind it is not part of it. */
function contentEnd(text: string, item: unknown): number {
  if (typeof item === 'object' && item !== null && 'key' in item && 'value' in item) {
    const range = rangeOf(item.value);
    if (range === undefined || range[0] === range[1]) return colonAfter(text, item.key) ?? rangeOf(item.key)?.[1] ?? 0;
    return contentEnd(text, item.value);
  }
  if (isBlockCollection(item) && item.items.length > 0) return contentEnd(text, item.items.at(-1));
  return rangeOf(item)?.[1] ?? 0;
}

function isBlockCollection(node: unknown): node is Collection {
  return isCollection(node) && node.flow !== true;
}

/** Behind the colon of a key. */
function colonAfter(text: string, key: unknown): number | undefined {
  const end = rangeOf(key)?.[1];
  const match = end === undefined ? null : /^[ \t]*:/.exec(text.slice(end, end + 100));
  return end === undefined || match === null ? undefined : end + match[0].length;
}

function dashBefore(text: string, start: number): number | undefined {
  const match = /-[ \t]+(?:&\S+[ \t]+)?$/.exec(text.slice(lineStart(text, start), start));
  return match === null ? undefined : lineStart(text, start) + match.index;
}

function commentsAbove(text: string, line: number, column: number): number {
  let first = line;
  while (first > 0) {
    const above = lineStart(text, first - 1);
    const comment = /^( *)#/.exec(text.slice(above, first));
    if (comment?.[1]?.length !== column) break;
    first = above;
  }
  return first;
}

function quoteOf(node: unknown): string | undefined {
  return isScalar(node) ? node.type : undefined;
}

function isGroupWithContent(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (!Array.isArray(value)) return Object.keys(value).length > 0;
  const isPlain = value.every((entry) => typeof entry !== 'object' || entry === null);
  return value.length > 0 && !(isPlain && JSON.stringify(value).length <= 100);
}

function isLong(value: unknown, text: string): boolean {
  return typeof value === 'object' && value !== null && text.includes('\n');
}

function indentAt(text: string, offset: number): number {
  return /^ */.exec(text.slice(lineStart(text, offset), offset))?.[0].length ?? 0;
}

function columnOf(text: string, offset: number): number {
  return offset - lineStart(text, offset);
}

function lineStart(text: string, offset: number): number {
  return offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
}

/** The beginning of the next line; `offset` itself if it stands there already (block texts end with their line). */
function lineEnd(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === '\n') return offset;
  const lineBreak = text.indexOf('\n', offset);
  return lineBreak === -1 ? text.length : lineBreak + 1;
}

function withLineBreak(text: string, style: FileStyle): string {
  return text === '' || text.endsWith('\n') ? text : text + style.lineBreak;
}

function splice(text: string, start: number, end: number, insert: string): string {
  return text.slice(0, start) + insert + text.slice(end);
}
