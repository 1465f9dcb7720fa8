/**
 * The text of an XDG desktop entry, and of its `Exec` key.
 * Desktop Entry Specification 1.5, "The Exec key" and "Value types"; Desktop Application Autostart Specification 0.5.
 */

/** A command line as the value of `Exec`, with every argument taken literally. */
export function execValue(command: readonly string[]): string {
  return escapeValue(command.map(quoteArgument).join(' '));
}

export interface AutostartEntry {
  readonly name: string;
  readonly comment: string;
  readonly command: readonly string[];
}

export function autostartEntry({ name, comment, command }: AutostartEntry): string {
  return [
    '[Desktop Entry]',
    'Type=Application',
    `Name=${escapeValue(name)}`,
    `Comment=${escapeValue(comment)}`,
    `Exec=${execValue(command)}`,
    'Terminal=false',
    'X-GNOME-Autostart-enabled=true',
    '',
  ].join('\n');
}

/** Whether an entry would be started at login, and would start exactly this command. */
export function startsCommand(entryText: string, command: readonly string[]): boolean {
  const values = new Map<string, string>();
  let isInGroup = false;
  for (const line of entryText.split(/\r?\n/)) {
    if (line.startsWith('[')) isInGroup = line.trim() === '[Desktop Entry]';
    const match = isInGroup ? /^([A-Za-z0-9-]+)\s*=\s*(.*)$/.exec(line) : null;
    if (match !== null) values.set(match[1] ?? '', (match[2] ?? '').trimEnd());
  }
  const isHidden = values.get('Hidden') === 'true' || values.get('X-GNOME-Autostart-enabled') === 'false';
  return !isHidden && values.get('Exec') === execValue(command);
}

/** Quoting is allowed for any argument; `%` begins a field code, inside quotes too. */
function quoteArgument(argument: string): string {
  return `"${argument.replace(/["`$\\]/g, '\\$&').replaceAll('%', '%%')}"`;
}

/** The general rule for string values comes on top of the one for quoted arguments. */
function escapeValue(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t');
}
