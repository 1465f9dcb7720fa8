import { commands, type CommandName, type CommandResponse, type ParsedRequest } from '#shared/contract/commands.ts';
import { AppError } from '#shared/contract/errors.ts';
import type { Engine } from '../engine/engine.ts';

/** One handler a command; the signal aborts when the caller goes away. */
export type CommandHandlers = {
  readonly [Name in CommandName]: (request: ParsedRequest<Name>, signal: AbortSignal) => Promise<CommandResponse<Name>>;
};

/** `isOwner`: the caller sits at the desktop's own window, and may change what says what is run. */
export function createCommandHandlers(engine: Engine, { isOwner }: { readonly isOwner: boolean }): CommandHandlers {
  return {
    'get-snapshot': () => Promise.resolve(engine.snapshot()),
    'load-model': async ({ model }, signal) => {
      const modelId = engine.resolveModel(model);
      await engine.loadModel(modelId, signal);
      return { model: engine.model(modelId) };
    },
    'eject-model': async ({ model, mode }, signal) => ({
      ejected: await engine.ejectModel(engine.resolveModel(model), mode, signal),
    }),
    'eject-all-models': async ({ mode }, signal) => ({ ejected: await engine.ejectAllModels(mode, signal) }),
    'pin-model': ({ model }) => setPinned(model, true),
    'unpin-model': ({ model }) => setPinned(model, false),
    'reset-model': ({ model }) => {
      const modelId = engine.resolveModel(model);
      engine.resetModel(modelId);
      return Promise.resolve({ model: engine.model(modelId) });
    },
    'plan-load': async ({ model }) => ({ plan: await engine.planLoad(engine.resolveModel(model)) }),
    'set-game-mode': ({ isOn }) => {
      engine.setGameMode(isOn);
      return Promise.resolve({ isGameMode: isOn });
    },
    'find-engine': () => {
      engine.findEngine();
      return Promise.resolve({});
    },
    'cancel-request': ({ request }) => {
      engine.cancelRequest(request);
      return Promise.resolve({});
    },
    'update-settings': async ({ edits }) => {
      await engine.updateSettings(edits, { isOwner });
      return {};
    },
    'read-settings': () => engine.readSettings({ isOwner }),
    'preview-settings': ({ edits }) => engine.previewSettings(edits, { isOwner }),
    'read-catalog': (_request, signal) => engine.readCatalog(signal),
    'rescan-catalog': async () => ({ found: await engine.rescanCatalog() }),
    'pull-model': ({ source, file }) =>
      Promise.resolve({ download: engine.downloads.start(source, file === undefined ? {} : { file }) }),
    'delete-model': async ({ model }, signal) => ({ deleted: await engine.deleteModel(model, signal) }),
    'pause-download': ({ download }) => Promise.resolve({ download: engine.downloads.pause(download) }),
    'resume-download': ({ download }) => Promise.resolve({ download: engine.downloads.resume(download) }),
    'cancel-download': async ({ download }) => {
      await engine.downloads.cancel(download);
      return {};
    },
    'list-downloads': () => Promise.resolve({ downloads: engine.downloads.list() }),
    'read-memory-history': () => Promise.resolve(engine.readMemoryHistory()),
    'list-requests': ({ limit }) => Promise.resolve({ requests: engine.listRequests(limit) }),
    'read-logs': ({ source, ...range }) => Promise.resolve(engine.readLogs(source, range)),
  };

  function setPinned(model: string, isPinned: boolean): Promise<CommandResponse<'pin-model'>> {
    const modelId = engine.resolveModel(model);
    engine.setPinned(modelId, isPinned);
    return Promise.resolve({ model: engine.model(modelId) });
  }
}

/** Validates a request against the contract and runs its handler; the one way in for every transport. */
export async function runCommand(
  handlers: CommandHandlers,
  name: CommandName,
  payload: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  const parsed = commands[name].request.safeParse(payload);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'request'}: ${issue.message}`);
    throw new AppError('invalid-request', `The request for ${name} is not as it should be: ${problems.join('; ')}.`);
  }
  const handler = handlers[name] as (request: unknown, signal: AbortSignal) => Promise<unknown>;
  return await handler(parsed.data, signal);
}
