/** The import rules of docs/architecture.md, "Who may import whom". Checked against a deliberate violation in tests/unit/layers. */

const from = (path, pathNot) => ({ path, ...(pathNot === undefined ? {} : { pathNot }) });

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'not-to-unresolvable',
      comment:
        'A specifier that resolves to nothing. `electron` itself may be absent: its binary is not needed to build.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^electron$' },
    },
    {
      name: 'shared-imports-itself-and-zod',
      severity: 'error',
      from: from('(^|/)shared/'),
      to: { pathNot: ['(^|/)shared/', '(^|/)node_modules/zod/', '^zod'] },
    },
    {
      name: 'engine-imports-shared-and-libraries',
      comment: 'The engine knows neither what serves it nor who composes it.',
      severity: 'error',
      from: from('(^|/)electron/engine/'),
      to: { path: ['(^|/)electron/(?!engine/)', '(^|/)renderer/', '(^|/)tests/'] },
    },
    {
      name: 'engine-never-reaches-electron',
      comment: 'Not even over several hops: the engine runs under plain Node.',
      severity: 'error',
      from: from('(^|/)electron/engine/'),
      to: { path: '(^electron$|(^|/)node_modules/electron/)', reachable: true },
    },
    {
      name: 'pure-files-stay-pure',
      comment: 'Decisions take facts and return decisions; no clock, file or process.',
      severity: 'error',
      from: from(
        '(^|/)electron/engine/(scheduler/(decide|room|view|expected-wait|explain-wait|memory-room|explain-memory|eviction-order|load-plan)|process/process-state|pools/(decide-endpoint|sticky-table|endpoint-state|pool-names|pool-line)|supervisor/(restart-policy|kv-cache-key|kv-cache-limits)|llama/(command-line|diagnose-exit|log-lines|capabilities)|memory/(device-facts|placement|device-accounting|memory-return|model-need|need-args|estimate-need|context-plan|cache-bytes|compute-bytes|place-layers|projector-bytes|measure-need|look-up-need|need-key|merge-devices|cuda-order|listed-devices|nvidia-smi-(csv|mig)|(amd|rocm|xpu)-smi-json|drm-fdinfo|meminfo|cgroup-limit|vm-stat|apple-limits|tool-values))\\.ts$',
      ),
      to: { dependencyTypes: ['core', 'npm'] },
    },
    {
      name: 'api-imports-the-engine-facade',
      severity: 'error',
      from: from('(^|/)electron/api/'),
      to: { path: '(^|/)electron/(?!api/)', pathNot: '(^|/)electron/engine/engine\\.ts$' },
    },
    {
      name: 'headless-never-reaches-electron',
      severity: 'error',
      from: from('(^|/)electron/((headless|compose-engine)\\.ts|cli/|api/)'),
      to: { path: '(^electron$|(^|/)node_modules/electron/|(^|/)electron/shell/)', reachable: true },
    },
    {
      name: 'shell-imports-api-and-shared',
      comment: 'Adapters to Electron; what of the engine they need beyond the contract is handed to them.',
      severity: 'error',
      from: from('(^|/)electron/shell/'),
      to: { path: ['(^|(?<!node_modules)/)electron/(?!shell/|api/)', '(^|/)renderer/', '(^|/)tests/'] },
    },
    {
      name: 'only-the-shell-imports-electron',
      comment: 'What needs Electron cannot be tested, or run, without it.',
      severity: 'error',
      from: from('(^|/)(electron|shared|renderer)/', '(^|/)electron/(shell/|(main|preload|compose-desktop)\\.ts$)'),
      to: { path: '(^electron$|(^|/)node_modules/electron/)' },
    },
    {
      name: 'preload-is-a-mapping',
      comment: 'One file in the sandbox, with the names of the channels and nothing to decide.',
      severity: 'error',
      from: from('(^|/)electron/preload\\.ts$'),
      to: { pathNot: ['^electron$', '(^|/)node_modules/electron/', '(^|/)shared/contract/channels\\.ts$'] },
    },
    {
      name: 'only-composition-roots-compose',
      severity: 'error',
      from: from('(^|/)(electron|shared|renderer)/', '(^|/)electron/(main|headless|compose-desktop)\\.ts$'),
      to: { path: '(^|/)electron/compose-(engine|desktop)\\.ts$' },
    },
    {
      name: 'nobody-imports-a-composition-root',
      severity: 'error',
      from: from('(^|/)(electron|shared|renderer)/', '(^|/)electron/cli/'),
      to: { path: '(^|/)electron/(main|headless|preload)\\.ts$|(^|/)electron/cli/' },
    },
    {
      name: 'renderer-imports-shared',
      severity: 'error',
      from: from('(^|/)renderer/'),
      to: { path: ['(^|/)electron/', '(^|/)tests/'] },
    },
    {
      name: 'renderer-has-no-node',
      severity: 'error',
      from: from('(^|/)renderer/', 'vite\\.config'),
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'features-are-apart',
      severity: 'error',
      from: from('(^|/)renderer/features/([^/]+)/'),
      to: { path: '(^|/)renderer/features/', pathNot: '(^|/)renderer/features/$2/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { conditionNames: ['import', 'node', 'types', 'default'], exportsFields: ['exports'] },
    cache: false,
  },
};
