import { describe, expect, it } from 'vitest';
import type { LoadPlanView } from '#shared/contract/memory.ts';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import type { TrayAction, TrayItem } from '../../../electron/shell/tray-item.ts';
import { describeTrayMenu, type TrayMenuInput } from '../../../electron/shell/tray-menu.ts';
import { modelView, NOW_MS, queueEntry, snapshotOf } from '../../fakes/views.ts';
import { gpu, herd, loaded, need, plan, ram, READY_ENGINE } from './support/views.ts';

function menuOf(snapshot: Snapshot | undefined, changes: Partial<TrayMenuInput> = {}): TrayItem[] {
  return describeTrayMenu({ snapshot, plans: new Map(), startsAtLogin: false, now: NOW_MS, ...changes });
}

function plansOf(...plans: LoadPlanView[]): ReadonlyMap<string, LoadPlanView> {
  return new Map(plans.map((each) => [each.model, each]));
}

/** The menu as text: `[x]` and `[ ]` for checkboxes, `(…)` for what cannot be clicked, submenus indented. */
function drawn(items: readonly TrayItem[]): string[] {
  return items.flatMap((item) => {
    if (item.kind === 'separator') return ['---'];
    const mark = item.kind === 'checkbox' ? (item.isChecked ? '[x] ' : '[ ] ') : '';
    const line = item.isEnabled ? `${mark}${item.label}` : `(${mark}${item.label})`;
    return item.kind === 'submenu' ? [line, ...drawn(item.items).map((each) => `  ${each}`)] : [line];
  });
}

function found(items: readonly TrayItem[], id: string): Exclude<TrayItem, { kind: 'separator' }> {
  for (const item of items) {
    if (item.kind === 'separator') continue;
    if (item.id === id) return item;
    if (item.kind !== 'submenu') continue;
    const inside = item.items.some((each) => each.kind !== 'separator' && each.id.startsWith(id));
    if (inside) return found(item.items, id);
  }
  throw new Error(`There is no item ${id} in:\n${drawn(items).join('\n')}`);
}

function labelOf(items: readonly TrayItem[], id: string): string {
  return found(items, id).label;
}

function actionOf(items: readonly TrayItem[], id: string): TrayAction {
  const item = found(items, id);
  if (item.kind === 'submenu') throw new Error(`${id} is a submenu`);
  return item.action;
}

const END = ['---', 'Open Corral', 'Logs', '[ ] Start at login', 'Quit'];

describe('describeTrayMenu', () => {
  it('draws the whole menu of a herd at work', () => {
    const snapshot = herd(
      [
        loaded('qwen3-8b', { activeRequests: 2 }),
        loaded('nomic-embed', { isPinned: true, reservedBytes: { CUDA0: 0.6e9 } }),
        modelView({ id: 'mistral-7b' }),
        modelView({ id: 'gemma-27b' }),
        modelView({ id: 'llama-70b' }),
      ],
      { queue: [queueEntry()] },
    );
    const plans = plansOf(
      plan('mistral-7b'),
      plan('gemma-27b', {
        outcome: 'evicts',
        need: need(18e9),
        placement: { CUDA0: 18e9 },
        ejects: [{ model: 'qwen3-8b', reason: 'idle', bytes: {} }],
      }),
      plan('llama-70b', { outcome: 'no-room', need: need(41e9), placement: {}, problem: 'Too large.' }),
    );
    expect(drawn(menuOf(snapshot, { plans }))).toEqual([
      'http://127.0.0.1:5526/v1   copy',
      '---',
      'CUDA0   14.9 of 24 GB · 1.2 GB others',
      '● qwen3-8b   8.4 GB · 2 requests',
      '  Eject when idle',
      '  Eject after queue',
      '  Eject now',
      '  ---',
      '  Pin',
      '  ---',
      '  Logs',
      '  Show in Corral',
      '● nomic-embed   600 MB · pinned',
      '  Eject when idle',
      '  Eject after queue',
      '  Eject now',
      '  ---',
      '  Unpin',
      '  ---',
      '  Logs',
      '  Show in Corral',
      'Load',
      '  mistral-7b   ≈5.1 GB',
      '  gemma-27b   ≈18 GB, ejects qwen3-8b',
      "  (llama-70b   ≈41 GB, won't fit (24 GB))",
      'Eject all',
      '[ ] Game mode',
      'Queue: 1 waiting',
      ...END,
    ]);
  });

  it('carries what each click is to do', () => {
    const menu = menuOf(herd([loaded('a/b c'), modelView({ id: 'off' })]));
    expect(actionOf(menu, 'address')).toEqual({ do: 'copy-address', address: 'http://127.0.0.1:5526/v1' });
    expect(actionOf(menu, 'device:CUDA0')).toEqual({ do: 'open', page: 'memory' });
    for (const mode of ['when-idle', 'after-queue', 'now']) {
      expect(actionOf(menu, `model:a/b c:eject-${mode}`)).toEqual({ do: 'eject', model: 'a/b c', mode });
    }
    expect(actionOf(menu, 'model:a/b c:pin')).toEqual({ do: 'pin', model: 'a/b c' });
    expect(actionOf(menu, 'model:a/b c:logs')).toEqual({ do: 'open', page: 'logs/a%2Fb%20c' });
    expect(actionOf(menu, 'model:a/b c:show')).toEqual({ do: 'open', page: 'herd/a%2Fb%20c' });
    expect(actionOf(menu, 'load:off')).toEqual({ do: 'load', model: 'off' });
    expect(actionOf(menu, 'eject-all')).toEqual({ do: 'eject-all' });
    expect(actionOf(menu, 'game-mode')).toEqual({ do: 'game-mode', isOn: true });
    expect(actionOf(menu, 'queue')).toEqual({ do: 'open', page: 'queue' });
    expect(actionOf(menu, 'open')).toEqual({ do: 'open', page: undefined });
    expect(actionOf(menu, 'logs')).toEqual({ do: 'open', page: 'logs' });
    expect(actionOf(menu, 'start-at-login')).toEqual({ do: 'start-at-login', isOn: true });
    expect(actionOf(menu, 'quit')).toEqual({ do: 'quit' });
    const pinned = menuOf(herd([loaded('p', { isPinned: true })]), { startsAtLogin: true });
    expect(actionOf(pinned, 'model:p:unpin')).toEqual({ do: 'unpin', model: 'p' });
    expect(actionOf(pinned, 'start-at-login')).toEqual({ do: 'start-at-login', isOn: false });
  });

  it('can be used while there is no snapshot, and while Corral stops', () => {
    expect(drawn(menuOf(undefined))).toEqual(['(Corral is starting)', ...END]);
    const stopping = herd([loaded('a')]);
    const snapshot = { ...stopping, instance: { ...stopping.instance, isShuttingDown: true } };
    expect(drawn(menuOf(snapshot))).toEqual(['(Corral is stopping)', ...END]);
  });

  it('leaves out Start at login where there is no such thing', () => {
    expect(drawn(menuOf(undefined, { startsAtLogin: undefined }))).not.toContain('[ ] Start at login');
    expect(drawn(menuOf(undefined, { startsAtLogin: true }))).toContain('[x] Start at login');
  });

  it('says what to do where there is no model, and lists the demo', () => {
    const empty = menuOf(herd([]));
    expect(labelOf(empty, 'load:none')).toBe('No models yet: show the catalog');
    expect(actionOf(empty, 'load:none')).toEqual({ do: 'open', page: 'catalog' });
    expect(found(empty, 'eject-all').isEnabled).toBe(false);
    expect(labelOf(empty, 'queue')).toBe('Queue: empty');
    const demo = menuOf(herd([modelView({ id: 'demo', isDemo: true })]), {
      plans: plansOf(plan('demo', { need: need(20e6, 'measured'), placement: { RAM: 20e6 } })),
    });
    expect(labelOf(demo, 'load:demo')).toBe('demo   20 MB');
  });

  it.each<[string, Parameters<typeof loaded>[1], string]>([
    ['idle for a moment', { stateSince: NOW_MS - 119_000 }, '8.4 GB · idle'],
    ['idle since it answered', { lastUsedAt: NOW_MS - 250_000, stateSince: NOW_MS - 900_000 }, '8.4 GB · idle 4 min'],
    ['idle since it was loaded', { lastUsedAt: 5, stateSince: NOW_MS - 120_000 }, '8.4 GB · idle 2 min'],
    ['one request', { activeRequests: 1 }, '8.4 GB · 1 request'],
    [
      'busy, with a queue',
      { activeRequests: 2, waitingRequests: 3, isPinned: true },
      '8.4 GB · 2 requests · 3 waiting · pinned',
    ],
    ['draining', { state: 'draining', activeRequests: 1 }, '8.4 GB · finishing 1 request'],
    ['stopping', { state: 'stopping' }, '8.4 GB · stopping'],
    ['starting', { state: 'starting', reservedBytes: {} }, 'starting'],
    ['loading without progress', { state: 'loading', need: need(8e9) }, '≈8.4 GB · loading'],
    ['loading', { state: 'loading', loadProgress: 0.624, waitingRequests: 1 }, '8.4 GB · loading 62 % · 1 waiting'],
    ['not measured', { need: need(8e9), activeRequests: 1 }, '≈8.4 GB · 1 request'],
    [
      'in GPU and system memory',
      { reservedBytes: { CUDA0: 20e9, RAM: 6.2e9 }, activeRequests: 1 },
      '20 GB + 6.2 GB RAM · 1 request',
    ],
    [
      'over two GPUs',
      { reservedBytes: { CUDA0: 20e9, CUDA1: 10.5e9, RAM: 1e6 }, activeRequests: 1 },
      '30.5 GB · 1 request',
    ],
    ['without a GPU', { reservedBytes: { RAM: 4e9 }, activeRequests: 1 }, '4 GB · 1 request'],
  ])('tells of a model that is %s', (_name, changes, text) => {
    const symbol = changes?.state === 'starting' || changes?.state === 'loading' ? '◐' : '●';
    expect(labelOf(menuOf(herd([loaded('m', changes)])), 'model:m')).toBe(`${symbol} m   ${text}`);
  });

  it('marks a size as a prediction until this load was measured', () => {
    const measuredBefore = { predictedBytes: {}, measuredBytes: { CUDA0: 1 }, loadTimesMs: [], tokensPerSecond: null };
    const estimated = { need: need(8e9), needHistory: measuredBefore };
    const labelAs = (state: 'ready' | 'loading'): string =>
      labelOf(menuOf(herd([loaded('m', { ...estimated, state, activeRequests: 1 })])), 'model:m');
    expect(labelAs('ready')).toBe('● m   8.4 GB · 1 request');
    expect(labelAs('loading')).toBe('◐ m   ≈8.4 GB · loading');
  });

  it.each([
    ['starting', ['Cancel loading', 'Pin', '---', 'Logs', 'Show in Corral']],
    ['loading', ['Cancel loading', 'Pin', '---', 'Logs', 'Show in Corral']],
    ['draining', ['Eject now', '---', 'Logs', 'Show in Corral']],
    ['stopping', ['Logs', 'Show in Corral']],
  ] as const)('offers for a model that is %s what can be done with it', (state, lines) => {
    const menu = menuOf(herd([loaded('m', { state })]));
    const entry = found(menu, 'model:m');
    expect(entry.kind === 'submenu' && drawn(entry.items)).toEqual(lines);
    if (state === 'loading') {
      expect(actionOf(menu, 'model:m:cancel-load')).toEqual({ do: 'cancel-load', model: 'm' });
    }
  });

  it('shows what failed, why, and the way out', () => {
    const problem = { code: 'model-failed' as const, message: 'Out of memory\nwhile loading.' };
    const menu = menuOf(
      herd([modelView({ id: 'phi-4', state: 'failed', problem }), modelView({ id: 'yi', state: 'crashed', problem })]),
    );
    expect(drawn(menu)).toEqual(
      expect.arrayContaining([
        '⚠ phi-4   failed',
        '  Out of memory while loading.',
        '  Reset',
        '⚠ yi   crashed',
        '  Load again',
        '  (phi-4   failed: reset it first)',
        '  yi',
      ]),
    );
    expect(actionOf(menu, 'model:phi-4:reset')).toEqual({ do: 'reset', model: 'phi-4' });
    expect(actionOf(menu, 'model:yi:load')).toEqual({ do: 'load', model: 'yi' });
    expect(found(menu, 'eject-all').isEnabled).toBe(false);
  });

  describe('Load', () => {
    const devices = [gpu(), ram()];
    const ejects = (...models: string[]): LoadPlanView['ejects'] =>
      models.map((model) => ({ model, reason: 'idle', bytes: {} }));

    it.each<[string, Partial<LoadPlanView>, string, boolean]>([
      ['fits', {}, 'm   ≈5.1 GB', true],
      ['was measured', { need: need(5.1e9, 'measured') }, 'm   5.1 GB', true],
      ['ejects two', { outcome: 'evicts', ejects: ejects('a', 'b') }, 'm   ≈5.1 GB, ejects a and b', true],
      ['ejects more', { outcome: 'evicts', ejects: ejects('a', 'b', 'c') }, 'm   ≈5.1 GB, ejects a and 2 more', true],
      ['waits for a model', { outcome: 'waits', placement: {}, waitsFor: ['a'] }, 'm   ≈5.1 GB, waits for a', true],
      ['waits for memory', { outcome: 'waits', placement: {} }, 'm   ≈5.1 GB, waits for room', true],
      ['is too large', { outcome: 'no-room', placement: {}, need: need(41e9) }, "m   ≈41 GB, won't fit (24 GB)", false],
      [
        'is kept out by pinned ones',
        { outcome: 'no-room', placement: {}, need: need(18e9) },
        "m   ≈18 GB, won't fit now",
        false,
      ],
      ['is unknown', { outcome: 'unknown', placement: {}, need: null }, 'm   size not known yet', true],
      ['goes to two devices', { placement: { CUDA0: 20e9, RAM: 10e9 } }, 'm   ≈20 GB + 10 GB RAM', true],
    ])('says of a model that %s', (_name, changes, label, isEnabled) => {
      const menu = menuOf(herd([modelView({ id: 'm' })], { memory: { devices, isGameMode: false } }), {
        plans: plansOf(plan('m', changes)),
      });
      expect(labelOf(menu, 'load:m')).toBe(label);
      expect(found(menu, 'load:m').isEnabled).toBe(isEnabled);
    });

    it('names a model without a plan, with its size if that is known', () => {
      const menu = menuOf(herd([modelView({ id: 'a' }), modelView({ id: 'b', need: need(3e9) })]));
      expect(labelOf(menu, 'load:a')).toBe('a');
      expect(labelOf(menu, 'load:b')).toBe('b   ≈3 GB');
      expect(found(menu, 'load:a').isEnabled).toBe(true);
    });

    it('leads to the queue where requests wait for a model already', () => {
      const menu = menuOf(herd([modelView({ id: 'm', waitingRequests: 2 })]), { plans: plansOf(plan('m')) });
      expect(labelOf(menu, 'load:m')).toBe('m   2 waiting for it');
      expect(actionOf(menu, 'load:m')).toEqual({ do: 'open', page: 'queue' });
    });

    it('is off in game mode, and when everything is loaded', () => {
      const playing = menuOf(herd([modelView({ id: 'm' })], { memory: { devices, isGameMode: true } }));
      expect(drawn(playing)).toEqual(expect.arrayContaining(['(Load   off in game mode)', '[x] Game mode']));
      expect(actionOf(playing, 'game-mode')).toEqual({ do: 'game-mode', isOn: false });
      expect(drawn(menuOf(herd([loaded('m')])))).toContain('(Load   all are loaded)');
    });

    it('leaves a long list to the window', () => {
      const models = Array.from({ length: 60 }, (_, index) => modelView({ id: `m${index}` }));
      const entry = found(menuOf(herd(models)), 'load');
      const lines = entry.kind === 'submenu' ? drawn(entry.items) : [];
      expect(lines).toHaveLength(51);
      expect(lines.at(-1)).toBe('10 more in Corral');
    });
  });

  it.each([
    [
      'two GPUs',
      [gpu(), gpu({ id: 'CUDA1', freeBytes: 24e9, usedByOthersBytes: 0 }), ram()],
      ['CUDA0   14.9 of 24 GB · 1.2 GB others', 'CUDA1   0 B of 24 GB'],
    ],
    ['no GPU', [ram()], ['RAM   24 of 64 GB · 20 GB others']],
    [
      'unified memory',
      [gpu({ id: 'MTL0', kind: 'unified', totalBytes: 21.3e9 }), ram()],
      ['MTL0   12.2 of 21.3 GB · 1.2 GB others'],
    ],
    [
      'a device that does not tell',
      [gpu({ freeBytes: null, models: [{ model: 'a', bytes: 3e9 }] })],
      ['CUDA0   4.2 of 24 GB · 1.2 GB others'],
    ],
    ['a reading that is old', [gpu({ isStale: true })], ['CUDA0   14.9 of 24 GB · 1.2 GB others · out of date']],
    ['a little in use', [gpu({ freeBytes: 23.5e9, usedByOthersBytes: 0 })], ['CUDA0   500 MB of 24 GB']],
    ['nothing read yet', [], []],
  ])('has a line for each device: %s', (_name, devices, lines) => {
    const menu = menuOf(herd([], { memory: { devices, isGameMode: false } }));
    expect(menu.flatMap((item) => (item.kind === 'item' && item.id.startsWith('device:') ? [item.label] : []))).toEqual(
      lines,
    );
  });

  it.each<[Snapshot['engine'], string | undefined]>([
    [READY_ENGINE, undefined],
    [{ status: 'searching' }, 'Looking for llama-server'],
    [{ status: 'installing', step: 'downloading' }, 'Getting llama.cpp: downloading'],
    [{ status: 'installing', step: 'downloading', receivedBytes: 3e6 }, 'Getting llama.cpp: downloading 3.0 MB'],
    [
      { status: 'installing', step: 'downloading', receivedBytes: 5, totalBytes: 11 },
      'Getting llama.cpp: downloading 45 %',
    ],
    [{ status: 'missing', reason: 'Nothing on PATH.', hint: 'Install it.' }, '⚠ No llama-server: Nothing on PATH.'],
  ])('tells of llama-server (%j)', (engine, label) => {
    const lines = drawn(menuOf(herd([], { engine })));
    expect(lines[1]).toBe(label ?? '---');
  });

  it('tells of an error in the configuration and leads to the settings', () => {
    const healthy = herd([]);
    const configErrors = [{ path: 'models.a.ttl', message: `"soon" is not a duration${'!'.repeat(200)}` }];
    const menu = menuOf({ ...healthy, instance: { ...healthy.instance, configErrors } });
    expect(labelOf(menu, 'config')).toMatch(/^⚠ The configuration has an error: models\.a\.ttl: "soon" is not .*…$/);
    expect(labelOf(menu, 'config').length).toBeLessThanOrEqual(80);
    expect(actionOf(menu, 'config')).toEqual({ do: 'open', page: 'settings' });
  });

  it.each([
    ['HTML', '<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
    ['an access key', 'R&D & co', 'R&&D && co'],
    ['colours and lines', '\u001b[31mred\u001b[0m\r\nfake item', 'red fake item'],
    ['bidirectional marks', 'a\u202egnp.\u2066b\u200fc', 'agnp.bc'],
    ['nothing to see', '\u0000\u200b\u202e', '(no name)'],
    ['half a character', 'a\ud83db', 'a\ufffdb'],
  ])('shows a name with %s as text', (_kind, id, shown) => {
    const menu = menuOf(herd([loaded(id, { activeRequests: 1 }), modelView({ id: `${id}2` })]));
    expect(labelOf(menu, `model:${id}`)).toBe(`● ${shown}   8.4 GB · 1 request`);
    expect(actionOf(menu, `model:${id}:eject-now`)).toEqual({ do: 'eject', model: id, mode: 'now' });
    expect(actionOf(menu, `load:${id}2`)).toEqual({ do: 'load', model: `${id}2` });
    expect(actionOf(menu, `model:${id}:logs`)).toMatchObject({ do: 'open' });
  });

  it('shortens a long name in the middle, between characters', () => {
    const id = `${'🦙'.repeat(150)}${'🐑'.repeat(150)}`;
    const label = labelOf(menuOf(herd([modelView({ id })])), `load:${id}`);
    expect(label).toBe(`${'🦙'.repeat(20)}…${'🐑'.repeat(19)}`);
  });

  it('says the same for the same, whatever else has changed', () => {
    const first = herd([loaded('m')]);
    const second = {
      ...first,
      sequence: 9,
      memory: { ...first.memory, devices: [gpu({ freeBytes: 9.1e9 + 1e6 }), ram({ freeBytes: 1 })] },
    };
    expect(menuOf(second)).toEqual(menuOf(first));
    expect(menuOf(snapshotOf())).not.toEqual(menuOf(first));
  });
});
