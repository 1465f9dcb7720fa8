/**
 * Which names from a server may become names of files. What a repository is called, and what is in it, is written by
 * strangers; a path that leads out of the cache, or that one of the systems reads differently, is never used. Pure.
 */

/** What Windows reads as a device, with any ending. */
const reservedOnWindows = /^(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(\..*)?$/i;

/** Control characters, and what Windows keeps for itself: drive letters, streams, patterns, its own separator. */

const forbidden = /[\u0000-\u001f\u007f<>:"|?*\\]/;

const MAX_SEGMENT_BYTES = 255;
const MAX_PATH_BYTES = 1024;

/** Whether a path within a repository (with `/`) means the same file below a folder on every system. */
export function isSafeRelativePath(path: string): boolean {
  return Buffer.byteLength(path) <= MAX_PATH_BYTES && path.split('/').every(isSafeSegment);
}

function isSafeSegment(segment: string): boolean {
  if (segment === '' || Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) return false;
  // `.`, `..`, and names that Windows shortens to others.
  if (/[. ]$/.test(segment) || segment.startsWith(' ')) return false;
  return !forbidden.test(segment) && !reservedOnWindows.test(segment);
}

/** `user/repo`, as Hugging Face allows it. The folder of a repository is made from it. */
export function isRepoName(text: string): boolean {
  const name = /^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/;
  const parts = text.split('/');
  return parts.length === 2 && parts.every((part) => name.test(part) && isSafeSegment(part) && !/--|\.\./.test(part));
}

/** What names a commit: hex, so that it can be the name of a folder. */
export function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(text);
}
