import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const source = fileURLToPath(new URL('.', import.meta.url));

/** Makes the stand-in of files that Node and Chromium can run; gives the one for Node's `--import`. */
export async function buildStandIn(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const shared = { absWorkingDir: source, bundle: true, outdir: folder, logLevel: 'warning' } as const;
  await Promise.all([
    build({
      ...shared,
      entryPoints: { electron: './electron.ts' },
      outExtension: { '.js': '.mjs' },
      platform: 'node',
      format: 'esm',
      target: 'node20',
    }),
    build({
      ...shared,
      entryPoints: { 'page-side': './page-side.ts' },
      platform: 'browser',
      format: 'iife',
      globalName: 'standInPageSide',
    }),
    ...['register.mjs', 'resolve.mjs'].map((name) => copyFile(path.join(source, name), path.join(folder, name))),
  ]);
  return path.join(folder, 'register.mjs');
}
