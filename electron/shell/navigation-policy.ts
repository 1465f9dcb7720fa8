import { isAppPage, isAppUrl } from './app-route.ts';

/** Sites that the window itself links to. */
const LINKED_HOSTS = ['github.com', 'huggingface.co'];

/**
 * What becomes of an address that a page wants to go to or open: `stay` is the window's own page again, `open-outside` a
 * link of ours for the system's browser. Names of models and lines of logs may hold any address; those go nowhere.
 */
export function decideNavigation(url: string): 'stay' | 'open-outside' | 'block' {
  if (isAppPage(url)) return 'stay';
  if (!URL.canParse(url)) return 'block';
  const { protocol, hostname, port, username, password } = new URL(url);
  const isPlainHttps = protocol === 'https:' && port === '' && username === '' && password === '';
  return isPlainHttps && LINKED_HOSTS.includes(hostname) ? 'open-outside' : 'block';
}

/** Copy buttons write text; nothing else that a browser asks its user for is given to any page. */
export function isPermissionGranted(permission: string, requestingUrl: string): boolean {
  return permission === 'clipboard-sanitized-write' && isAppUrl(requestingUrl);
}
