import { posix } from 'node:path';
import type { FolderContext } from './folder-context.ts';

/** On macOS configuration and data share one folder, as is the custom there. */
export function macosAppFolder(context: FolderContext): string {
  return posix.join(context.homeFolder, 'Library', 'Application Support', 'Corral');
}

/** Not in $TMPDIR: its path (`/var/folders/…/T/`) takes half of what the path of a socket may have. */
export function macosRuntimeFolder(context: FolderContext, fingerprint: string): string {
  return `/tmp/corral-${context.uid ?? 0}-${fingerprint}`;
}
