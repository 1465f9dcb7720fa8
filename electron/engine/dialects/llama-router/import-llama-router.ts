import { posix, win32 } from 'node:path';
import { formatPath } from '../../config/config-issue.ts';
import type { ForeignResult, ImportEntry } from '../foreign-format.ts';
import { entriesOfWritten } from '../import-account.ts';
import { literal } from '../literal.ts';
import type { LlamaRouterOptions } from './options.ts';
import { readRouterFile, unknownRouterKeys, type RouterModel } from './router-file.ts';

/** What the meaning of the file depends on besides its text. */
export interface RouterSurroundings {
  readonly homeFolder: string;
  readonly isWindows: boolean;
  /** What was found of the programs that `programsOf` names: a path beside Corral's own program, or `path`. */
  readonly programs: ReadonlyMap<string, ProgramPlace>;
}

/** Where a program that is named without a folder was found. */
export type ProgramPlace = { readonly kind: 'beside'; readonly path: string } | { readonly kind: 'path' };

/** As long as llama-router itself waits before it kills. */
const STOP_GRACE = '2s';

/** Programs the file names without a folder, which have to be looked for before `importRouterFile`. Pure. */
export function programsOf(document: unknown): readonly string[] {
  const result = readRouterFile(document);
  if (!result.ok) return [];
  const programs = result.file.models.map(({ spawn }) => spawn.command[0]);
  return [...new Set(programs)].filter((program) => !/[/\\]/.test(program));
}

/** The same as native configuration, and what became of each key. Pure. */
export function importRouterFile(document: unknown, surroundings: RouterSurroundings): ForeignResult {
  const result = readRouterFile(document);
  if (!result.ok) return result;
  const { file } = result;
  const report: ImportEntry[] = unknownRouterKeys(document).map((path) => ({
    path,
    outcome: 'dropped',
    note: 'llama-router knows no such key',
  }));
  const say: Say = (path, outcome, note, to) => {
    report.push({ path, outcome, note, ...(to === undefined ? {} : { to }) });
  };

  say('router.host', 'mapped', 'listeners[0].host', 'listeners[0].host');
  say('router.port', 'mapped', 'listeners[0].port', 'listeners[0].port');
  say('router.base_port', 'mapped', 'models.*.firstPort, from where free ports are probed for');
  say('router.connection_timeout_s', 'mapped', 'server.timeouts.connect', 'server.timeouts.connect');
  say('router.read_timeout_s', 'mapped', 'server.timeouts.response, server.timeouts.idle and defaults.queue.maxWait');
  say('router.ready_timeout_s', 'mapped', 'defaults.startTimeout and defaults.answerTimeout', 'defaults.startTimeout');
  const tokenKey = 'listeners[0].options.adminToken';
  if (file.adminToken !== '') say('router.admin_token', 'mapped', tokenKey, tokenKey);
  else say('router.admin_token', 'approximated', "/admin/ needs Corral's own admin token, since the file has none");
  for (const key of ['router.notify_model_swap', 'notify_model_swap']) {
    say(key, 'mapped', 'listeners[0].options.notifyModelSwap', 'listeners[0].options.notifyModelSwap');
  }
  say('version', 'mapped', 'the format of the file, which Corral knows without it');
  say('default_spawn', 'mapped', 'models.*.command and models.*.health of models without a spawn of their own');

  const models = withoutDuplicates(file.models, say);
  const native: Record<string, unknown> = {};
  for (const { model, index } of models) {
    const imported = importModel(model, index, surroundings, say);
    native[model.name] = 'command' in imported ? { ...imported, firstPort: file.basePort } : imported;
  }
  if (file.startupModel !== '') {
    const sayStartup = (outcome: ImportEntry['outcome'], note: string): void => {
      for (const key of ['router.startup_model', 'startup_model']) say(key, outcome, note);
    };
    const startup = native[file.startupModel];
    if (startup === undefined) sayStartup('dropped', 'there is no model of that name');
    else {
      native[file.startupModel] = { ...(startup as Record<string, unknown>), startup: true };
      sayStartup('mapped', `${formatPath(['models', file.startupModel])}.startup`);
    }
  }

  const options: LlamaRouterOptions = {
    ...(file.adminToken === '' ? {} : { adminToken: literal(file.adminToken) }),
    notifyModelSwap: file.hasSwapNotices,
    models: Object.fromEntries(
      models.map(({ model }) => [
        model.name,
        { group: literal(model.group), proxyEndpoints: model.spawn.proxyEndpoints.map(literal) },
      ]),
    ),
  };
  return {
    ok: true,
    report: entriesOfWritten(document, report),
    document: file,
    native: {
      server: {
        timeouts: {
          ...(file.connectionTimeoutSeconds > 0 ? { connect: duration(file.connectionTimeoutSeconds) } : {}),
          response: duration(file.readTimeoutSeconds),
          idle: duration(file.readTimeoutSeconds),
        },
      },
      defaults: {
        ttl: 0,
        startTimeout: duration(file.readyTimeoutSeconds),
        answerTimeout: duration(file.answerTimeoutSeconds),
        stopGrace: STOP_GRACE,
        ...(file.readTimeoutSeconds > 0 ? { queue: { maxWait: duration(file.readTimeoutSeconds) } } : {}),
      },
      // One place, which the members of a group share: another group's model gets it once they are gone.
      memory: { maxLoaded: 1 },
      models: native,
      sets: setsOf(
        models.map(({ model }) => model),
        new Set(Object.keys(native)),
      ),
      listeners: [{ dialect: 'llama-router', host: file.host, port: file.port, options }],
    },
  };
}

type Say = (path: string, outcome: ImportEntry['outcome'], note: string, to?: string) => void;

/** llama-router takes the first of a name. */
function withoutDuplicates(
  models: readonly RouterModel[],
  say: Say,
): { readonly model: RouterModel; readonly index: number }[] {
  const kept = new Map<string, { readonly model: RouterModel; readonly index: number }>();
  models.forEach((model, index) => {
    if (kept.has(model.name)) say(`models[${index}]`, 'dropped', 'an earlier model has this name');
    else kept.set(model.name, { model, index });
  });
  return [...kept.values()];
}

function importModel(
  { name, path, group, state, spawn }: RouterModel,
  index: number,
  { homeFolder, isWindows, programs }: RouterSurroundings,
  say: Say,
): Record<string, unknown> {
  const at = `models[${index}]`;
  const modelPath = path.startsWith('~/') ? (isWindows ? win32 : posix).join(homeFolder, path.slice(2)) : path;
  const [program, ...args] = spawn.command;
  const place = programs.get(program);
  const target = formatPath(['models', name]);
  say(`${at}.name`, 'mapped', target, target);
  say(`${at}.state`, 'mapped', `${state}: what a rescan may ${state === 'auto' ? 'take away' : 'not take away'}`);
  say(`${at}.group`, 'mapped', group === '' ? 'a place of its own' : 'sets, with memory.maxLoaded: 1');
  if (place === undefined && /^llama-server(\.exe)?$/.test(program)) {
    say(`${at}.path`, 'mapped', `${target}.file`, `${target}.file`);
    say(`${at}.spawn`, 'approximated', "llama-server is not on the PATH: Corral's own runs the model");
    return { file: literal(modelPath), args: args.map(literal) };
  }
  say(`${at}.path`, 'mapped', `${target}.command, as --model`);
  say(`${at}.spawn`, 'mapped', `${target}.command`, `${target}.command`);
  const start = place?.kind === 'beside' ? place.path : program;
  return {
    command: [...[start, ...args, '--model', modelPath].map(literal), '--port', '${PORT}', '--host', '127.0.0.1'],
    health: literal(spawn.healthEndpoint),
  };
}

/** Groups of one model need no set: every model is a place of its own. */
function setsOf(models: readonly RouterModel[], taken: ReadonlySet<string>): Record<string, unknown> {
  const members = new Map<string, string[]>();
  for (const { name, group } of models) {
    // A model without a group is the group of its name, which others may join by naming it.
    const key = group === '' ? name : group;
    members.set(key, [...(members.get(key) ?? []), name]);
  }
  const sets: Record<string, unknown> = {};
  for (const [group, names] of members) {
    if (names.length < 2) continue;
    let setName = group;
    while (taken.has(setName) || setName in sets) setName = `group ${setName}`;
    sets[setName] = { models: names.map(literal), load: 'on-demand' };
  }
  return sets;
}

function duration(seconds: number): string | 0 {
  const ms = Math.round(seconds * 1000);
  return ms === 0 ? 0 : `${ms}ms`;
}
