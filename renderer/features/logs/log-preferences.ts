import { create } from 'zustand';

export interface LogPreferences {
  readonly isProblemsOnly: boolean;
  readonly hasTime: boolean;
  readonly isWrapped: boolean;
}

/** How logs are shown; the same for all of them, as long as the window lives. */
export const useLogPreferences = create<LogPreferences>(() => ({
  isProblemsOnly: false,
  hasTime: true,
  isWrapped: false,
}));

export const setLogPreferences = (changed: Partial<LogPreferences>): void => useLogPreferences.setState(changed);
