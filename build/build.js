import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { build as buildWindow } from 'vite';

/** Puts everything that runs into out/. */
const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: {
    cli: './electron/cli/cli.ts',
    // Chooses between the desktop app and the command in an installed Corral.
    entry: './electron/entry.ts',
    main: './electron/main.ts',
    // Runs in a worker thread, so it is a file of its own, beside the one that starts it.
    'gguf-metadata-worker': './electron/engine/catalog/gguf-metadata-worker.ts',
  },
  outdir: 'out',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  // Verbs that only ask a running Corral need not load what serves.
  splitting: true,
  sourcemap: true,
  define: { __CORRAL_VERSION__: JSON.stringify(version) },
  metafile: true,
  logLevel: 'warning',
});

// A sandboxed preload script is one CommonJS file; Electron gives it `electron` and nothing else.
await build({
  absWorkingDir: root,
  entryPoints: ['./electron/preload.ts'],
  outfile: 'out/preload.cjs',
  bundle: true,
  platform: 'browser',
  target: 'es2023',
  format: 'cjs',
  external: ['electron'],
  logLevel: 'warning',
});

// Chunks of earlier builds; what a running Corral still reads has been replaced in place.
const written = new Set(Object.keys(metafile.outputs).map((file) => path.basename(file)));
for (const name of await readdir(`${root}/out`)) {
  if (/\.js(\.map)?$/.test(name) && !written.has(name)) await rm(`${root}/out/${name}`, { force: true });
}

await buildWindow({ configFile: path.join(root, 'renderer', 'vite.config.ts'), logLevel: 'warn' });
