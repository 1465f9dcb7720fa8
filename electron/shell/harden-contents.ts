import { shell, type Session, type WebContents } from 'electron';
import { decideNavigation, isPermissionGranted } from './navigation-policy.ts';
import { isAppUrl } from './app-route.ts';

/** Keeps a window on its own page: no other page, window, frame or plug-in, whatever is clicked or injected. */
export function hardenContents(contents: WebContents, log: (line: string) => void): void {
  function refuse(event: { preventDefault(): void }, url: string): void {
    const decision = decideNavigation(url);
    if (decision === 'stay') return;
    event.preventDefault();
    if (decision === 'open-outside') openOutside(url);
    else log(`warn The window was kept from going to ${JSON.stringify(url.slice(0, 200))}`);
  }
  function openOutside(url: string): void {
    shell.openExternal(url).catch((thrown: unknown) => {
      log(`warn The browser could not be opened: ${(thrown as Error).message}`);
    });
  }

  contents.on('will-navigate', (event) => refuse(event, event.url));
  contents.on('will-frame-navigate', (event) => {
    // The main frame's are heard as `will-navigate` too; there is no page to show in any other.
    if (!event.isMainFrame) event.preventDefault();
  });
  contents.on('will-redirect', (event) => refuse(event, event.url));
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(({ url }) => {
    if (decideNavigation(url) === 'open-outside') openOutside(url);
    else log(`warn The window was kept from opening ${JSON.stringify(url.slice(0, 200))}`);
    return { action: 'deny' };
  });
}

/** Denies what pages may ask a browser's user for, and downloads of anything but what our own page has made. */
export function hardenSession(session: Session): void {
  session.setPermissionRequestHandler((contents, permission, answer) => {
    answer(isPermissionGranted(permission, contents.getURL()));
  });
  session.setPermissionCheckHandler((_contents, permission, origin) => isPermissionGranted(permission, origin));
  session.on('will-download', (event, item) => {
    const url = item.getURL();
    if (!url.startsWith('blob:') || !isAppUrl(url.slice('blob:'.length))) event.preventDefault();
  });
}
