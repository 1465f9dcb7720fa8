import { useAppStore } from './app-store.ts';
import { formatPlace, parsePlace, type PageName } from './pages.ts';

export function navigate(page: PageName, subject?: string): void {
  location.hash = formatPlace({ page, subject });
}

/** Keeps the store's place in step with the address bar, so that reload, back and forward work. */
export function followAddress(): () => void {
  const follow = (): void => useAppStore.setState({ place: parsePlace(location.hash) });
  follow();
  window.addEventListener('hashchange', follow);
  return () => window.removeEventListener('hashchange', follow);
}
