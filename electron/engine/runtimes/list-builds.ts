import path from 'node:path';
import type { EngineBuild } from './engine-build.ts';
import { findConfigured, findOnPath, isUsableBuild, type FindEngineOptions } from './find-engine.ts';
import { listInstalledBuilds, type BuildMarker } from './installed-builds.ts';

export interface ListedBuild {
  readonly build: EngineBuild;
  /** Of a build that Corral installed. */
  readonly marker: BuildMarker | undefined;
}

/**
 * Every llama-server on this machine that Corral could start: the configured one, the first on the PATH, and those it
 * installed, whichever of them it would choose. A configured path that leads nowhere is left out; `findEngine` says why.
 */
export async function listBuilds(options: FindEngineOptions): Promise<ListedBuild[]> {
  const [configured, onPath, installed] = await Promise.all([
    // What is wrong with the path is told by the engine's status.
    options.configuredPath === 'auto' ? undefined : findConfigured(options).catch(() => undefined),
    findOnPath(options),
    listInstalledBuilds(options.installFolder),
  ]);
  const found: ListedBuild[] = [configured, onPath].flatMap((build) =>
    build === undefined ? [] : [{ build, marker: undefined }],
  );
  for (const build of installed) {
    if (!(await isUsableBuild(build, options))) continue;
    const executable = path.join(build.folder, build.marker.executable);
    found.push({ build: { id: build.id, executable, origin: 'installed' }, marker: build.marker });
  }
  const seen = new Set<string>();
  return found.filter(({ build }) => !seen.has(build.executable) && seen.add(build.executable));
}
