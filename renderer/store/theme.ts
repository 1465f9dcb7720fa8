export const themeChoices = ['system', 'light', 'dark'] as const;

export type ThemeChoice = (typeof themeChoices)[number];

const THEME_KEY = 'corral-theme';

let followedQuery: MediaQueryList | undefined;

export function readThemeChoice(): ThemeChoice {
  const stored = localStorage.getItem(THEME_KEY);
  return themeChoices.find((choice) => choice === stored) ?? 'system';
}

export function saveThemeChoice(choice: ThemeChoice): void {
  localStorage.setItem(THEME_KEY, choice);
  applyTheme(choice);
}

/** Sets what the style sheets look at; with `system` it follows the system from then on. */
export function applyTheme(choice: ThemeChoice): void {
  const darkQuery = (followedQuery ??= window.matchMedia('(prefers-color-scheme: dark)'));
  const set = (): void => {
    const isDark = choice === 'dark' || (choice === 'system' && darkQuery.matches);
    document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
  };
  set();
  darkQuery.onchange = choice === 'system' ? set : null;
}
