export interface TextPart {
  readonly type: 'text' | 'code';
  readonly text: string;
  /** What follows the opening fence, such as `python`; empty for text. */
  readonly language: string;
}

/** A text at its fences of three or more backticks. A block that is still open goes to the end: it is being written. */
export function splitFences(text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let lines: string[] = [];
  let open: { readonly fence: string; readonly language: string } | undefined;
  const close = (): void => {
    const joined = lines.join('\n');
    if (open !== undefined || joined.trim() !== '') {
      parts.push({ type: open === undefined ? 'text' : 'code', text: joined, language: open?.language ?? '' });
    }
    lines = [];
  };
  for (const line of text.split('\n')) {
    const fence = /^ {0,3}(`{3,})([^`]*)$/.exec(line);
    if (open === undefined && fence !== null) {
      close();
      open = { fence: fence[1] ?? '', language: (fence[2] ?? '').trim() };
    } else if (open !== undefined && fence !== null && isClosing(open.fence, fence)) {
      close();
      open = undefined;
    } else {
      lines.push(line);
    }
  }
  close();
  return parts;
}

function isClosing(opening: string, [, fence = '', rest = '']: RegExpExecArray): boolean {
  return fence.length >= opening.length && rest.trim() === '';
}
