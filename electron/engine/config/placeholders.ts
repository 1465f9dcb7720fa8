/**
 * `${…}` in the configuration. `${env.NAME}` is replaced when the file is read. In commands some names stay and are
 * filled in at each start. `$${` stands for `${` itself; in commands it is undone by the filling in.
 */

/** Known in `command`. */
export const startPlaceholders = ['PORT', 'HOST', 'MODEL_ID'] as const;

/** Known in `stopCommand`, which runs while the process does. */
export const stopPlaceholders = [...startPlaceholders, 'PID'] as const;

export type PlaceholderName = (typeof stopPlaceholders)[number];

export interface ExpandedText {
  readonly text: string;
  readonly problems: readonly string[];
}

/**
 * Replaces `${env.NAME}`. Names in `kept` stay as they are, and so does `$${`, if there are any; otherwise `$${` becomes
 * `${`. Anything else in `${…}` is a problem. Problems name variables, never their values.
 */
export function expandText(
  text: string,
  kept: readonly PlaceholderName[],
  lookUp: (name: string) => string | undefined,
): ExpandedText {
  if (!text.includes('${')) return { text, problems: [] };
  const isFilledLater = kept.length > 0;
  const problems: string[] = [];
  const expanded = text.replace(
    /\$\$\{|\$\{([^}]*)(\}?)/g,
    (match, name: string | undefined, end: string | undefined) => {
      if (name === undefined) return isFilledLater ? match : '${';
      if (end === '') {
        problems.push('has a ${ without its }; write $${ for the characters themselves');
        return match;
      }
      const variable = /^env\.([^\s$]+)$/.exec(name)?.[1];
      if (variable !== undefined) {
        const value = lookUp(variable);
        if (value === undefined) problems.push(`needs the environment variable ${variable}, which is not set`);
        return isFilledLater ? (value ?? '').replaceAll('${', () => '$${') : (value ?? '');
      }
      if (kept.some((known) => known === name)) return match;
      const known = [...kept, 'env.NAME'].map((each) => `\${${each}}`).join(', ');
      problems.push(`has an unknown \${${name}}; known here: ${known}. Write $\${ for the characters themselves`);
      return match;
    },
  );
  return { text: expanded, problems };
}

/**
 * Fills in the placeholders that were kept in a command when the file was read, and undoes `$${`. What is filled in is
 * never looked at again. A name without a value stays as it is.
 */
export function fillPlaceholders(word: string, values: Readonly<Partial<Record<PlaceholderName, string>>>): string {
  return word.replace(/\$\$\{|\$\{(PORT|HOST|MODEL_ID|PID)\}/g, (match, name: PlaceholderName | undefined) =>
    name === undefined ? '${' : (values[name] ?? match),
  );
}
