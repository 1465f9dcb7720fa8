import { Document, isScalar, isSeq, Scalar, visit, type ToStringOptions } from 'yaml';

/** How a file is written, so that what is added looks like the rest. */
export interface FileStyle {
  readonly isJson: boolean;
  /** Spaces for one level. */
  readonly step: number;
  readonly lineBreak: '\n' | '\r\n';
}

/** Lists of plain values up to this length stay on one line, as people write `args`. */
const MAX_INLINE_LIST = 100;

/** Texts stay on their line: double quotes, with line breaks escaped. */
const options: ToStringOptions = {
  lineWidth: 0,
  blockQuote: false,
  singleQuote: false,
  doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
  flowCollectionPadding: false,
};

/** A value on one line, fit to stand inside of brackets too. `quote` is how a text was quoted before. */
export function renderInline(value: unknown, style: FileStyle, quote?: string): string {
  if (style.isJson) return JSON.stringify(value);
  // In a list of one, the library guards whatever would end an entry, such as a comma.
  const text = new Document([value]).toString({
    ...options,
    collectionStyle: 'flow',
    ...(quote === Scalar.QUOTE_DOUBLE || (quote === Scalar.QUOTE_SINGLE && !JSON.stringify(value).includes('\\'))
      ? { defaultStringType: quote, defaultKeyType: Scalar.PLAIN, singleQuote: null }
      : {}),
  });
  return oneLine(text.trim()).slice(1, -1).trim();
}

/** `key: value` inside of brackets. */
export function renderInlinePair(key: string, value: unknown, style: FileStyle): string {
  if (style.isJson) return `${JSON.stringify(key)}: ${JSON.stringify(value)}`;
  const text = new Document({ [key]: value }).toString({ ...options, collectionStyle: 'flow' });
  return oneLine(text.trim()).slice(1, -1).trim();
}

/** A map or list over several lines, each indented by `column` spaces, with a line break at the end of each. */
export function renderBlock(value: unknown, column: number, style: FileStyle): string {
  const document = new Document(value);
  visit(document, {
    Seq(_key, seq) {
      const isShort = seq.items.every((item) => isScalar(item)) && JSON.stringify(seq).length <= MAX_INLINE_LIST;
      if (isShort && seq !== document.contents) seq.flow = true;
    },
    Map(_key, map) {
      if (map.items.length === 0) map.flow = true;
    },
  });
  if (isSeq(document.contents) && document.contents.items.length === 0) document.contents.flow = true;
  const text = document.toString({ ...options, indent: style.step });
  const indent = ' '.repeat(column);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `${indent}${line}${style.lineBreak}`)
    .join('');
}

/** JSON over several lines; the first is not indented, since it stands behind its key. */
export function renderJson(value: unknown, column: number, style: FileStyle): string {
  return JSON.stringify(value, null, style.step).replaceAll('\n', `${style.lineBreak}${' '.repeat(column)}`);
}

/** Longer flow collections are broken into lines by the library; line breaks inside of texts are escaped by then. */
function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}
