/**
 * Builds that Corral installed: one folder each in the install folder. The last thing an installation writes is the
 * marker file, so a folder without it is what a crash left behind. A build's files may hold absolute paths, so it is
 * finished in its final place, under its final name, and not renamed afterwards.
 */

import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

const markerName = 'corral-build.json';
/** What is being unpacked lies in folders of this prefix. */
export const workFolderPrefix = '.work-';

const markerSchema = z.object({
  source: z.string(),
  version: z.string(),
  installedAtMs: z.number(),
  /** Relative to the build's folder. */
  executable: z.string(),
  /** An absolute path written into the executable (its loader); a folder that was moved is no longer complete. */
  interpreter: z.string().optional(),
});

export type BuildMarker = z.infer<typeof markerSchema>;

export interface InstalledBuild {
  readonly id: string;
  readonly folder: string;
  readonly marker: BuildMarker;
}

/** Declares the build in `folder` complete. */
export async function markComplete(folder: string, marker: BuildMarker): Promise<void> {
  const partial = path.join(folder, `${markerName}.part`);
  await writeFile(partial, `${JSON.stringify(marker, undefined, 2)}\n`);
  await rename(partial, path.join(folder, markerName));
}

/** The complete builds in `installFolder`, newest installation first; none if the folder does not exist. */
export async function listInstalledBuilds(installFolder: string): Promise<InstalledBuild[]> {
  const builds: InstalledBuild[] = [];
  for (const id of await listFolders(installFolder)) {
    const folder = path.join(installFolder, id);
    const marker = await readMarker(folder);
    if (marker !== undefined) builds.push({ id, folder, marker });
  }
  return builds.sort((left, right) => right.marker.installedAtMs - left.marker.installedAtMs);
}

/**
 * Removes what crashed installations left in `installFolder`. Only for the one process that installs there: the work of
 * another would go too.
 */
export async function sweepIncompleteBuilds(installFolder: string): Promise<void> {
  for (const id of await listFolders(installFolder)) {
    const folder = path.join(installFolder, id);
    if (id.startsWith(workFolderPrefix) || (await readMarker(folder)) === undefined) {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

async function listFolders(installFolder: string): Promise<string[]> {
  try {
    const entries = await readdir(installFolder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function readMarker(folder: string): Promise<BuildMarker | undefined> {
  let content: string;
  try {
    content = await readFile(path.join(folder, markerName), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
  try {
    const marker = markerSchema.safeParse(JSON.parse(content));
    return marker.success ? marker.data : undefined;
  } catch {
    // Not JSON: nothing that Corral wrote, so no build to use.
    return undefined;
  }
}
