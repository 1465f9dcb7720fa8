import { isCollection, isMap, isPair, isScalar, isSeq, parseDocument, visit, type Document } from 'yaml';
import { AppError } from '#shared/contract/errors.ts';
import { formatPath, type PathSegment } from './config-issue.ts';
import { addEntry, indentStep, removeEntry, replaceValue } from './edit-text.ts';
import { isGroup, isMachineryName, isSameSetting, toJsonValue, valueAt, withValueAt } from './json-value.ts';
import { readYaml } from './read-yaml.ts';
import type { FileStyle } from './render-yaml.ts';

export interface ConfigEdit {
  /** Names, and positions in lists from 0; the position behind the last adds an entry. */
  readonly path: readonly PathSegment[];
  /** Such as JSON holds; undefined removes what is there. */
  readonly value?: unknown;
}

/**
 * The text of a configuration with the edits made, one after the other. What is not edited stays as it is, byte for byte:
 * comments, order, blank lines, quotes, indentation, line ends. Groups and lists are changed entry by entry rather than
 * replaced, missing parents are made, and JSON stays JSON. An edit reaches its path only: where YAML's aliases would
 * carry it elsewhere, or lead elsewhere from there, they are written out first. Very unusual YAML (explicit keys, say)
 * is written anew by the library, which keeps comments and order, but not every blank.
 *
 * Pure. What comes out is valid YAML with exactly these changes, but need not be a valid configuration. Throws
 * `config-invalid` if the text is not YAML to begin with, and `invalid-request` for an edit that makes no sense.
 */
export function editConfig(options: { readonly text: string; readonly edits: readonly ConfigEdit[] }): string {
  const mark = options.text.startsWith('\uFEFF') ? '\uFEFF' : '';
  let text = options.text.slice(mark.length);
  readValue(text);
  const style = styleOf(text);
  for (const { path, value } of options.edits) {
    checkPath(path);
    const wanted = value === undefined ? undefined : toJsonValue(value, path);
    text = setPath(text, path, wanted, style);
  }
  return mark + text;
}

function styleOf(text: string): FileStyle {
  const isJson = /^\s*\{/.test(text) && isJsonText(text);
  return { isJson, step: indentStep(text, isJson), lineBreak: text.includes('\r\n') ? '\r\n' : '\n' };
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function readValue(text: string): unknown {
  const yaml = readYaml(text);
  if (yaml.ok) return yaml.value ?? {};
  throw new AppError(
    'config-invalid',
    'The configuration is not valid YAML, so it cannot be edited; correct it first.',
    {
      details: { issues: yaml.issues },
    },
  );
}

function checkPath(path: readonly PathSegment[]): void {
  const refuse = (problem: string): AppError =>
    new AppError('invalid-request', `The setting ${formatPath(path)} cannot be edited: ${problem}.`);
  if (path.length === 0) throw refuse('the path is empty');
  if (path.length > 16) throw refuse('the path is too long');
  for (const segment of path) {
    if (isMachineryName(segment)) throw refuse(`the name ${segment} cannot be used`);
    const isPosition = Number.isSafeInteger(segment) && Number(segment) >= 0;
    if (typeof segment !== 'string' && !isPosition) throw refuse('a path consists of names and positions from 0');
  }
}

/** Takes an edit apart into the smallest changes that have its effect. */
function setPath(text: string, path: readonly PathSegment[], wanted: unknown, style: FileStyle): string {
  const untangled = writeOutAliases(text, path, style);
  const root = readValue(untangled);
  checkReachable(root, path);
  const current = valueAt(root, path);
  if (wanted === undefined && !isThere(root, path)) return untangled;
  if (wanted === undefined) return change({ text: untangled, root }, path, undefined, style);

  if (!isThere(root, path)) {
    const at = path.findIndex((_, index) => !isHolder(root, path.slice(0, index), path[index])) - 1;
    const depth = at < 0 ? path.length - 1 : at;
    return change({ text: untangled, root }, path.slice(0, depth + 1), nest(path.slice(depth + 1), wanted), style);
  }
  if (isGroup(current) && isGroup(wanted) && Object.keys(current).length > 0 && Object.keys(wanted).length > 0) {
    let edited = untangled;
    // Additions first, so that the group is never empty in between.
    for (const [name, entry] of Object.entries(wanted)) edited = setPath(edited, [...path, name], entry, style);
    for (const name of Object.keys(current)) {
      if (!Object.hasOwn(wanted, name)) edited = setPath(edited, [...path, name], undefined, style);
    }
    return edited;
  }
  if (Array.isArray(current) && Array.isArray(wanted) && current.length > 0 && wanted.length > 0) {
    return setList(untangled, path, current, wanted, style);
  }
  return isSameSetting(current, wanted) ? untangled : change({ text: untangled, root }, path, wanted, style);
}

/** Leaves equal entries at both ends alone, so that their comments stay with them. */
function setList(
  text: string,
  path: readonly PathSegment[],
  current: readonly unknown[],
  wanted: readonly unknown[],
  style: FileStyle,
): string {
  const shorter = Math.min(current.length, wanted.length);
  let head = 0;
  while (head < shorter && isSameSetting(current[head], wanted[head])) head += 1;
  let tail = 0;
  while (tail < shorter - head && isSameSetting(current.at(-1 - tail), wanted.at(-1 - tail))) tail += 1;
  // Entries are only ever added at the end.
  if (wanted.length > current.length) tail = 0;

  let edited = text;
  const end = current.length - tail;
  const surplus = Math.max(0, current.length - wanted.length);
  for (let index = end - 1; index >= end - surplus; index -= 1) {
    edited = setPath(edited, [...path, index], undefined, style);
  }
  for (let index = head; index < wanted.length - tail; index += 1) {
    edited = setPath(edited, [...path, index], wanted[index], style);
  }
  return edited;
}

function isThere(root: unknown, path: readonly PathSegment[]): boolean {
  const parent = valueAt(root, path.slice(0, -1));
  const last = path.at(-1) ?? '';
  if (Array.isArray(parent)) return typeof last === 'number' && last < parent.length;
  return isGroup(parent) && Object.hasOwn(parent, String(last));
}

/** Whether the value at `path` exists and can take `segment`. */
function isHolder(root: unknown, path: readonly PathSegment[], segment: PathSegment | undefined): boolean {
  const value = valueAt(root, path);
  return Array.isArray(value) ? typeof segment === 'number' : isGroup(value);
}

function checkReachable(root: unknown, path: readonly PathSegment[]): void {
  path.forEach((segment, index) => {
    const at = path.slice(0, index);
    const holder = valueAt(root, at);
    const refuse = (problem: string): AppError =>
      new AppError('invalid-request', `The setting ${formatPath(path)} cannot be edited: ${problem}.`);
    if (Array.isArray(holder)) {
      if (typeof segment !== 'number') throw refuse(`${formatPath(at)} is a list`);
      if (segment > holder.length) throw refuse(`${formatPath(at)} has only ${holder.length} entries`);
    } else if (!isGroup(holder) && holder !== undefined && holder !== null) {
      throw refuse(`${formatPath(at)} is a single value`);
    } else if (!isGroup(holder) && typeof segment === 'number' && segment > 0) {
      throw refuse(`${formatPath(at)} has no entries`);
    }
  });
}

function nest(path: readonly PathSegment[], value: unknown): unknown {
  return path.reduceRight<unknown>(
    (inner, segment) => (typeof segment === 'number' ? [inner] : { [segment]: inner }),
    value,
  );
}

/** One change at a path whose parent is there; undefined removes. `root` is what the text says. */
function change(
  { text, root }: { readonly text: string; readonly root: unknown },
  path: readonly PathSegment[],
  value: unknown,
  style: FileStyle,
): string {
  const expected = withValueAt(root, path, value);
  const parent = path.slice(0, -1);
  const last = path.at(-1) ?? '';
  const isNew = !isThere(root, path);
  const key = Array.isArray(valueAt(root, parent)) ? last : String(last);
  const isEmptyParent = isNew && parent.length > 0 && Object.keys(valueAt(root, parent) as object).length === 0;
  const attempts = [
    () =>
      value === undefined
        ? removeEntry(text, path, style)
        : isEmptyParent && !style.isJson
          ? replaceValue(text, parent, nest([key], value), style)
          : isNew
            ? addEntry(text, parent, key, value, style)
            : replaceValue(text, path, value, style),
    () => (style.isJson ? `${JSON.stringify(expected, null, style.step)}\n` : rewrite(text, path, value)),
  ];
  for (const attempt of attempts) {
    const edited = attempt();
    if (edited !== undefined && isReadAs(edited, expected, style)) return edited;
  }
  throw new AppError(
    'invalid-request',
    `The setting ${formatPath(path)} is written in a way that cannot be edited here; change it in the file.`,
  );
}

/** YAML has too many forms to trust a cut: what was meant has to come out when it is read back. */
function isReadAs(text: string, expected: unknown, style: FileStyle): boolean {
  if (style.isJson && !isJsonText(text)) return false;
  const yaml = readYaml(text);
  return yaml.ok && isSameSetting(yaml.value ?? {}, expected);
}

function rewrite(text: string, path: readonly PathSegment[], value: unknown): string {
  const document = parseDocument(text.replaceAll('\r\n', '\n'), {
    version: '1.2',
    merge: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  visit(document, {
    // Keys are found by their spelling: 1.10 is not 1.1.
    Pair: (_key, { key }) => {
      if (isScalar(key)) key.value = nameOf(key);
    },
  });
  if (value === undefined) document.deleteIn(path);
  else document.setIn(path, document.createNode(value));
  const rewritten = document.toString({ lineWidth: 0, flowCollectionPadding: false });
  return text.includes('\r\n') ? rewritten.replaceAll('\n', '\r\n') : rewritten;
}

/**
 * Replaces aliases by what they stand for, where an edit of `path` would go through one, or change or remove what
 * others refer to.
 */
function writeOutAliases(text: string, path: readonly PathSegment[], style: FileStyle): string {
  let edited = text;
  // The reader allows about a hundred aliases; each turn takes one away, and may bring those inside of it to light.
  for (let turn = 0; turn < 1000; turn += 1) {
    const aliasPath = findAliasInTheWay(edited, path);
    if (aliasPath === undefined) return edited;
    const root = readValue(edited);
    edited = change({ text: edited, root }, aliasPath, valueAt(root, aliasPath), style);
  }
  throw new AppError('invalid-request', `The setting ${formatPath(path)} has too many aliases (*name) around it.`);
}

function findAliasInTheWay(text: string, path: readonly PathSegment[]): PathSegment[] | undefined {
  if (!text.includes('*')) return undefined;
  const document = parseDocument(text, { version: '1.2', merge: false, prettyErrors: false, logLevel: 'silent' });
  const target = nodesOn(document, path);
  let found: PathSegment[] | undefined;
  visit(document, {
    Alias(key, alias, ancestors) {
      if (key === 'key') return undefined;
      const at = pathOf([...ancestors, alias]);
      const isOnTheWay = at.length <= path.length && at.every((segment, index) => segment === String(path[index]));
      const meant = alias.resolve(document);
      const isMeantElsewhere = meant !== undefined && target.has(meant);
      if (!isMeantElsewhere && !(isOnTheWay && at.length < path.length)) return undefined;
      found = at.map((segment, index) => (isSeq(ancestors.filter(isCollection)[index]) ? Number(segment) : segment));
      return visit.BREAK;
    },
  });
  return found;
}

/** The nodes that an edit of `path` touches: those that lead there, and all below. */
function nodesOn(document: Document.Parsed, path: readonly PathSegment[]): ReadonlySet<unknown> {
  const nodes = new Set<unknown>([document.contents]);
  let node: unknown = document.contents;
  for (const segment of path) {
    if (isMap(node)) node = node.items.find(({ key }) => nameOf(key) === String(segment))?.value;
    else if (isSeq(node)) node = node.items[Number(segment)];
    else return nodes;
    nodes.add(node);
  }
  if (isCollection(node)) {
    visit(node, {
      Node: (_key, inner) => void nodes.add(inner),
    });
  }
  return nodes;
}

function nameOf(key: unknown): string {
  if (!isScalar(key)) return '';
  return typeof key.value === 'string' ? key.value : (key.source ?? '');
}

function pathOf(chain: readonly unknown[]): string[] {
  return chain.flatMap((node, index) => {
    const inner = chain[index + 1];
    if (isPair(node)) return [nameOf(node.key)];
    return isSeq(node) ? [String(node.items.indexOf(inner))] : [];
  });
}
