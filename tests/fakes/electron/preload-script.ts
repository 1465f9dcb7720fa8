import { readFileSync } from 'node:fs';
import { bindingName, receiverName } from './browser.ts';

/** Written beside the stand-in by its build: `page-side.ts` as an expression that is `createPageSide`. */
const pageSideFile = new URL('page-side.js', import.meta.url);

/**
 * What every document of a page begins with: the preload script, in a function of its own, given what Electron's sandbox
 * gives it. Only in the top frame, as `nodeIntegrationInSubFrames: false` has it.
 */
export function composePreloadScript(preloadFile: string | undefined): string {
  const preload = preloadFile === undefined ? '' : readFileSync(preloadFile, 'utf8');
  const options = {
    binding: bindingName,
    receiver: receiverName,
    process: {
      type: 'renderer',
      platform: process.platform,
      arch: process.arch,
      sandboxed: true,
      contextIsolated: true,
      versions: { electron: '0.0.0-stand-in' },
      env: {},
      argv: [],
    },
  };
  return `(() => {
if (window !== window.top) return;
${readFileSync(pageSideFile, 'utf8')}
const side = standInPageSide.createPageSide({ globals: window, ...${JSON.stringify(options)} });
const module = { exports: {} };
(function (require, process, module, exports) {
${preload}
})(side.require, side.process, module, module.exports);
})();`;
}
