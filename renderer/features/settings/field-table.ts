import type { SettingPath } from './setting-path.ts';

/** Which settings stand in which section and what they are called there. What they mean is the schema's to say. */

export const sections = [
  { id: 'general', title: 'General' },
  { id: 'models', title: 'Models' },
  { id: 'defaults', title: 'Defaults' },
  { id: 'memory', title: 'Memory' },
  { id: 'queue', title: 'Queue' },
  { id: 'keys', title: 'Keys' },
  { id: 'sets', title: 'Sets' },
  { id: 'llama', title: 'llama.cpp' },
  { id: 'logging', title: 'Logging' },
  { id: 'window', title: 'Window' },
] as const;

export type SectionId = (typeof sections)[number]['id'];

export interface FieldSpec {
  readonly path: SettingPath;
  readonly label: string;
}

export interface FieldGroup {
  readonly title: string;
  readonly fields: readonly FieldSpec[];
}

function group(title: string, base: SettingPath, fields: readonly (readonly [string, string])[]): FieldGroup {
  return { title, fields: fields.map(([path, label]) => ({ path: [...base, ...path.split('.')], label })) };
}

const plainGroups = {
  general: [
    group(
      'Address',
      ['server'],
      [
        ['host', 'Address to listen on'],
        ['port', 'Port'],
      ],
    ),
    group(
      'Who may call',
      ['server'],
      [
        ['allowedHosts', 'Further host names'],
        ['allowedOrigins', 'Allowed web pages'],
        ['adminToken', 'Admin token'],
        ['allowRemoteConfig', 'Change commands and paths over HTTP'],
        ['remoteImages', 'Pictures named by address'],
      ],
    ),
    group(
      'Limits',
      ['server'],
      [
        ['maxBodyBytes', 'Largest request'],
        ['timeouts.request', 'Reading a request'],
        ['timeouts.connect', 'Connecting to a model'],
        ['timeouts.response', 'First byte of an answer'],
        ['timeouts.idle', 'Silence within an answer'],
        ['timeouts.shutdown', 'Running answers at shutdown'],
      ],
    ),
  ],
  defaults: [
    group(
      'How models load',
      ['defaults'],
      [
        ['contextSize', 'Context size'],
        ['gpuLayers', 'GPU layers'],
        ['kvCacheType', 'KV cache type'],
        ['parallel', 'Slots'],
        ['args', 'Arguments'],
        ['env', 'Environment'],
      ],
    ),
    group(
      'Life',
      ['defaults'],
      [
        ['ttl', 'Unload when idle for'],
        ['startTimeout', 'Time to start'],
        ['answerTimeout', 'Time to a first answer'],
        ['stopGrace', 'Time to stop'],
      ],
    ),
    group(
      'Requests',
      ['defaults'],
      [
        ['concurrency', 'Requests at once'],
        ['queue.max', 'Waiting requests a model'],
        ['queue.maxWait', 'Longest wait'],
      ],
    ),
  ],
  memory: [
    group(
      'Room',
      ['memory'],
      [
        ['policy', 'When there is no room'],
        ['reserve', 'Reserve'],
        ['maxLoaded', 'Models loaded at once'],
      ],
    ),
    group(
      'KV cache',
      ['memory', 'kvCache'],
      [
        ['maxSize', 'Saved conversations on disk'],
        ['folder', 'Folder'],
      ],
    ),
    group(
      'Game mode',
      ['memory', 'gameMode'],
      [
        ['requests', 'New requests meanwhile'],
        ['automatic', 'Switch on by itself'],
      ],
    ),
  ],
  queue: [
    group(
      'Order',
      ['scheduler'],
      [
        ['fairnessBound', 'Fairness bound'],
        ['maxQueued', 'Waiting requests in all'],
        ['defaultModel', 'Default model'],
      ],
    ),
    group(
      'While a stream waits',
      ['scheduler', 'waitingComments'],
      [
        ['enabled', 'Waiting comments'],
        ['after', 'First one after'],
        ['interval', 'Then every'],
      ],
    ),
  ],
  keys: [],
  sets: [],
  llama: [
    group(
      'Build',
      ['engine'],
      [
        ['path', 'llama-server'],
        ['autoInstall', 'Download when missing'],
        ['channel', 'Builds'],
        ['variant', 'Kind of build'],
        ['keep', 'Builds kept'],
        ['origin', 'Source of releases'],
      ],
    ),
    group(
      'Models on disk',
      ['catalog'],
      [
        ['folders', 'Folders'],
        ['huggingFaceCache', 'Cache of Hugging Face'],
        ['ollama', 'Models of Ollama'],
        ['lmStudio', 'Models of LM Studio'],
      ],
    ),
  ],
  logging: [
    group('Log', ['log'], [['level', 'Least important lines kept']]),
    group(
      'Records of requests',
      ['telemetry'],
      [
        ['maxRecords', 'Kept in memory'],
        ['maxFileSize', 'Kept on disk'],
        ['capture', 'Prompts and answers, too'],
      ],
    ),
  ],
  window: [group('Updates', ['updates'], [['channel', 'Versions of Corral']])],
} as const satisfies Record<Exclude<SectionId, 'models'>, readonly FieldGroup[]>;

/** The settings of a section, budgets by the devices there are. Those of models are in `modelGroups`. */
export function groupsOf(section: SectionId, devices: readonly string[]): readonly FieldGroup[] {
  if (section === 'models') return [];
  if (section !== 'memory') return plainGroups[section];
  const budgets = devices.map((id) => ({ path: ['memory', 'budgets', id], label: `At most, of ${id}` }));
  const [room, ...rest] = plainGroups.memory;
  return budgets.length === 0 ? plainGroups.memory : [room, { title: 'Budgets', fields: budgets }, ...rest];
}

/** The settings of a model: those that concern what it is run with differ by whether it has a command of its own. */
export function modelGroups(id: string, hasCommand: boolean): readonly FieldGroup[] {
  const base = ['models', id];
  const life = group('Life', base, [
    ['ttl', 'Unload when idle for'],
    ['pinned', 'Pinned'],
    ['startup', 'Load at start'],
    ['priority', 'Priority'],
    ['startTimeout', 'Time to start'],
    ['answerTimeout', 'Time to a first answer'],
    ['stopGrace', 'Time to stop'],
  ]);
  const requests = group('Requests', base, [
    ['aliases', 'Aliases'],
    ['concurrency', 'Requests at once'],
    ['queue.max', 'Waiting requests'],
    ['queue.maxWait', 'Longest wait'],
    ['filters.strip', 'Parameters removed'],
    ['filters.set', 'Parameters set'],
    ['unlisted', 'Not listed'],
  ]);
  if (hasCommand) {
    return [
      life,
      requests,
      group('What runs', base, [
        ['command', 'Command'],
        ['stopCommand', 'Stop command'],
        ['proxy', 'Own address'],
        ['firstPort', 'First port'],
        ['health', 'Health path'],
        ['readyPattern', 'Ready pattern'],
        ['cwd', 'Folder'],
        ['env', 'Environment'],
      ]),
    ];
  }
  return [
    group('How it loads', base, [
      ['contextSize', 'Context size'],
      ['gpuLayers', 'GPU layers'],
      ['kvCacheType', 'KV cache type'],
      ['parallel', 'Slots'],
      ['devices', 'Devices'],
      ['keepKvCache', 'Keep the KV cache'],
    ]),
    life,
    requests,
    group('What it is for', base, [
      ['embeddings', 'Makes embeddings'],
      ['pooling', 'Pooling'],
      ['rerank', 'Ranks documents'],
    ]),
    group('What runs', base, [
      ['file', 'Model file'],
      ['mmproj', 'Projector file'],
      ['args', 'Arguments'],
      ['env', 'Environment'],
      ['rpc', 'RPC workers'],
    ]),
  ];
}
