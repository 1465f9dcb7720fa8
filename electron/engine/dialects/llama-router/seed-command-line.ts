import { resolve } from 'node:path';
import { AppError } from '#shared/contract/errors.ts';
import type { SeedAction, SeedCommandLine, StepTools } from '../command-line.ts';
import { parseRouterCommandLine, routerHelp, type RouterCommand } from './command-line.ts';
import { downloadModel } from './download-model.ts';
import { cacheFolders } from './find-models.ts';
import { defaultRouterFile, ensureRouterFile, expandHome, importFolder, rescanRouterFile } from './router-store.ts';

/** llama-router's command line, with what each of its words does. */
export const llamaRouterCommandLine: SeedCommandLine = {
  seed: 'llama-router',
  parse(args, { homeFolder, workFolder }) {
    const parsed = parseRouterCommandLine(args);
    if (!parsed.ok) return { kind: 'exit', exitCode: 1, stderr: `error: ${parsed.message}\n\n${routerHelp}` };
    const { command } = parsed;
    if (command.kind === 'help') return { kind: 'exit', exitCode: 0, stdout: routerHelp };
    const written = command.configFile;
    const configFile =
      written === undefined ? defaultRouterFile(homeFolder) : resolve(workFolder, expandHome(written, homeFolder));
    return actionOf(command, configFile, workFolder);
  },
};

function actionOf(
  command: Exclude<RouterCommand, { kind: 'help' }>,
  configFile: string,
  workFolder: string,
): SeedAction {
  switch (command.kind) {
    case 'serve':
      return {
        kind: 'serve',
        configFile,
        format: 'llama-router',
        prepare: (tools) => prepareFile(configFile, tools),
      };
    case 'import':
      return {
        kind: 'step',
        run: async (tools) => {
          const folder = resolve(workFolder, expandHome(command.folder, tools.homeFolder));
          return await importModels(configFile, folder, tools);
        },
      };
    case 'download':
      return { kind: 'step', run: (tools) => downloadModel(command, tools) };
  }
}

async function prepareFile(configFile: string, { env, homeFolder, print, printError }: StepTools): Promise<void> {
  if (await ensureRouterFile(configFile)) print(`Created ${configFile}`);
  try {
    const { added, removed } = await rescanRouterFile(configFile, {
      homeFolder,
      cacheFolders: cacheFolders(env, homeFolder),
    });
    if (added.length > 0) print(`Found in the caches: ${added.join(', ')}`);
    if (removed.length > 0) print(`No longer in the caches: ${removed.join(', ')}`);
  } catch (thrown) {
    // What is wrong with the file is told, with its place, by whoever reads it next.
    if (!(thrown instanceof AppError)) throw thrown;
    printError(`warn ${thrown.message}`);
  }
}

async function importModels(
  configFile: string,
  folder: string,
  { homeFolder, print, printError }: StepTools,
): Promise<number> {
  await ensureRouterFile(configFile);
  const { outcome, search } = await importFolder(configFile, folder, { homeFolder });
  for (const { folder: closed, reason } of search.unreadable) printError(`warn ${closed} cannot be read (${reason})`);
  for (const name of outcome.added) print(`Added ${name}`);
  const known = search.models.length - outcome.added.length;
  print(`${outcome.added.length} added, ${known} known already: ${configFile}`);
  return 0;
}
