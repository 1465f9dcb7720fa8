import { resolve } from 'node:path';
import type { SeedCommandLine } from '../command-line.ts';

/** `node src/index.ts [path]`; what follows the path was never looked at. */
export const llamaCppRouterCommandLine: SeedCommandLine = {
  seed: 'llama_cpp_router',
  parse: ([path = './config.json'], { workFolder }) => ({
    kind: 'serve',
    configFile: resolve(workFolder, path),
    format: 'llama_cpp_router',
  }),
};
