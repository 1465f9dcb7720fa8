const TOKEN_KEY = 'corral-token';

/** The token of the page's address (`#token=…`), which then leaves the address bar, or the one of this tab from before. */
export function readToken(): string | undefined {
  const match = /^#token=([\w.~-]+)/.exec(location.hash);
  if (match?.[1] !== undefined) {
    sessionStorage.setItem(TOKEN_KEY, match[1]);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(TOKEN_KEY) ?? undefined;
}

/** Keeps a token that the user typed, and begins anew with it. */
export function keepTokenAndReload(token: string): void {
  sessionStorage.setItem(TOKEN_KEY, token.trim());
  location.reload();
}
