/** Names, and positions in lists from 0. */
export type SettingPath = readonly (string | number)[];

/** `models.qwen.aliases[0]`; ids with dots, spaces and the like as `models["qwen 2.5"]`: as the engine writes paths. */
export function formatPath(path: SettingPath): string {
  let text = '';
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else if (/^[\w$/:-]+$/.test(segment)) text += text === '' ? segment : `.${segment}`;
    else text += `[${JSON.stringify(segment)}]`;
  }
  return text;
}

/** A path as a key of maps. */
export function pathKey(path: SettingPath): string {
  return JSON.stringify(path);
}

/** Whether `path` is, or lies under, what a pattern such as `models.*.rpc` names; `*` is any name or position. */
export function isUnder(path: SettingPath, pattern: string): boolean {
  const parts = pattern.split('.');
  return parts.length <= path.length && matches(path.slice(0, parts.length), parts);
}

export function isInactive(path: SettingPath, inactivePaths: readonly string[]): boolean {
  return inactivePaths.some((pattern) => isUnder(path, pattern));
}

/** Whether an issue's path, as text, concerns this setting or something within it. */
export function concerns(issuePath: string, path: SettingPath): boolean {
  const own = formatPath(path);
  return issuePath === own || issuePath.startsWith(`${own}.`) || issuePath.startsWith(`${own}[`);
}

function matches(path: SettingPath, parts: readonly string[]): boolean {
  return parts.every((part, index) => part === '*' || part === String(path[index]));
}
