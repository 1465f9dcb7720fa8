import { describe, expect, it } from 'vitest';
import { createMacosAutostart } from '../../../electron/shell/autostart-macos.ts';
import { createWindowsAutostart } from '../../../electron/shell/autostart-windows.ts';
import { execValue, startsCommand } from '../../../electron/shell/desktop-entry-linux.ts';

/** Reads `Exec` as the specification says: first the escapes of a value, then the quotes, then the field codes. */
function parsedExec(value: string): string[] {
  const unescaped = value.replace(/\\([\\nrts])/g, (_all, letter: string) =>
    letter === '\\' ? '\\' : { n: '\n', r: '\r', t: '\t', s: ' ' }[letter]!,
  );
  return [...unescaped.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, quoted = '']) =>
    quoted.replace(/\\(["`$\\])/g, '$1').replaceAll('%%', '%'),
  );
}

describe('execValue', () => {
  it('quotes as the Desktop Entry Specification says', () => {
    expect(execValue(['/opt/My App/corral', '--hidden'])).toBe('"/opt/My App/corral" "--hidden"');
    expect(execValue(['/a$b'])).toBe('"/a\\\\$b"');
    expect(execValue(['/a\\b'])).toBe('"/a\\\\\\\\b"');
    expect(execValue(['/100%'])).toBe('"/100%%"');
  });

  it.each(['/a b', '/a"b', "/a'b", '/a`b', '/a$HOME', '/a\\b', '/a\\n', '/%f %U', '/a\nb', '/ü;&|<>~*?#()'])(
    'keeps %j as it is',
    (argument) => {
      expect(execValue([argument])).not.toContain('\n');
      expect(parsedExec(execValue([argument, '--hidden']))).toEqual([argument, '--hidden']);
    },
  );
});

describe('startsCommand', () => {
  const entry = (...lines: string[]): string => ['[Desktop Entry]', 'Exec="/x" "--hidden"', ...lines].join('\n');
  const command = ['/x', '--hidden'];
  it.each([
    [entry(), true],
    [entry('X-GNOME-Autostart-enabled=true'), true],
    [entry('X-GNOME-Autostart-enabled=false'), false],
    [entry('Hidden=true'), false],
    [entry('[Desktop Action Stop]', 'Exec=/y', 'Hidden=true'), true],
    ['[Desktop Entry]\nExec="/old" "--hidden"', false],
    ['', false],
  ])('%j', (text, isStarted) => {
    expect(startsCommand(text, command)).toBe(isStarted);
  });
});

interface LoginItem {
  openAtLogin?: boolean;
  path?: string;
  args?: string[];
}

/** The system's list, as far as Electron shows it: an item counts only for the path and arguments it was set with. */
function loginItems(wasOpenedAtLogin = false) {
  let current: LoginItem = {};
  return {
    current: () => current,
    app: {
      setLoginItemSettings: (item: LoginItem) => void (current = item),
      getLoginItemSettings: (asked: LoginItem = {}) => ({
        openAtLogin:
          current.openAtLogin === true &&
          current.path === asked.path &&
          JSON.stringify(current.args) === JSON.stringify(asked.args),
        wasOpenedAtLogin,
        status: 'enabled' as const,
        executableWillLaunchAtLogin: false,
        launchItems: [],
      }),
    },
  };
}

describe('start at login on Windows and macOS', () => {
  it('asks Windows for a start without a window, of the file that stays', async () => {
    const items = loginItems();
    const base = { app: items.app, isInstalled: true, argv: ['c.exe', '--hidden'], execPath: 'C:\\Temp\\x\\c.exe' };
    const autostart = createWindowsAutostart({ ...base, env: { PORTABLE_EXECUTABLE_FILE: 'D:\\Corral.exe' } });
    await autostart.set(true);
    expect(items.current()).toEqual({ openAtLogin: true, path: 'D:\\Corral.exe', args: ['--hidden'] });
    expect(autostart.isOn()).toBe(true);
    expect(autostart.wasStartedByLogin()).toBe(true);
    expect(createWindowsAutostart({ ...base, env: {} }).isOn()).toBe(false);
    await autostart.set(false);
    expect(autostart.isOn()).toBe(false);
  });

  it('leaves the rest to macOS', async () => {
    const items = loginItems(true);
    const autostart = createMacosAutostart(items.app, true);
    await autostart.set(true);
    expect(items.current()).toEqual({ openAtLogin: true });
    expect(autostart.isOn()).toBe(true);
    expect(autostart.wasStartedByLogin()).toBe(true);
  });

  it('changes nothing for a copy from source', async () => {
    const items = loginItems();
    await createMacosAutostart(items.app, false).set(true);
    await createWindowsAutostart({ app: items.app, isInstalled: false, env: {}, argv: [], execPath: 'x' }).set(true);
    expect(items.current()).toEqual({});
  });
});
