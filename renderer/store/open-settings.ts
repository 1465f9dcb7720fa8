/**
 * Whether a caller may change the setting at a path (see `openPaths` of the settings' view): null may change all; `*` in a
 * pattern is any one name or position.
 */
export function isOpenSetting(path: readonly (string | number)[], openPaths: readonly string[] | null): boolean {
  return openPaths === null || openPaths.some((pattern) => matches(path, pattern.split('.')));
}

function matches(path: readonly (string | number)[], pattern: readonly string[]): boolean {
  return path.length === pattern.length && pattern.every((part, index) => part === '*' || part === String(path[index]));
}
