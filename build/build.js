import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Puts everything that runs into out/. */
const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));


await build({
  absWorkingDir: root,
  entryPoints: { cli: './electron/cli/cli.ts' },
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
  logLevel: 'warning',
});
