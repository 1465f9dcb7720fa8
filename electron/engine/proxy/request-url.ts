/** A request's target, split once. */
export interface RequestUrl {
  readonly pathname: string;
  /** With its question mark, or empty. */
  readonly search: string;
}

export function splitUrl(url: string): RequestUrl {
  // An absolute form (`GET http://host/path`) is allowed by HTTP/1.1; its path is what counts.
  const target = url.startsWith('/') ? url : originForm(url);
  const question = target.indexOf('?');
  return question === -1
    ? { pathname: target, search: '' }
    : { pathname: target.slice(0, question), search: target.slice(question) };
}

function originForm(url: string): string {
  if (!URL.canParse(url)) return '/';
  const { pathname, search } = new URL(url);
  return pathname + search;
}
