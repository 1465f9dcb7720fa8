import { composeEngine, type ComposeOptions } from './compose-engine.ts';
import type { ResolvedConfig } from './engine/config/resolved-config.ts';
import type { Engine } from './engine/engine.ts';

export interface ServeOptions extends ComposeOptions {
  /** A line for the operator. */
  print(line: string): void;
}

/** `corral serve`: the engine under plain Node, from the configuration to the address. Resolves once it listens. */
export async function startHeadless(options: ServeOptions): Promise<Engine> {
  const { engine, config } = await composeEngine(options);
  printBanner(engine, config(), options.print);
  return engine;
}

function printBanner(engine: Engine, config: ResolvedConfig, print: (line: string) => void): void {
  const { models, pools } = engine.snapshot();
  const address = engine.address();
  print(`Corral listens on ${address}  (OpenAI-compatible: ${address}/v1)`);
  for (const { dialect, address: further, startupLine } of engine.furtherListeners()) {
    print(startupLine ?? `It also listens on ${further}  (${dialect})`);
  }
  print(`Window: ${address}/ui/#token=${engine.instanceToken}`);
  print(`Configuration: ${config.filePath ?? 'none, defaults are used'}`);
  print(
    `Models: ${models.length === 0 ? 'none' : `${models.length} (${models.map((model) => model.id + (model.isDemo ? ', the built-in demo' : '')).join(', ')})`}`,
  );
  for (const { name, endpoints } of pools) print(`Pool ${name}: ${endpoints.map(({ url }) => url).join(', ')}`);
  const [first] = models;
  if (first === undefined) return;
  print('Try it:');
  print(
    `  curl ${address}/v1/chat/completions -H 'Content-Type: application/json' ` +
      `-d '{"model":"${first.id}","messages":[{"role":"user","content":"Hello"}]}'`,
  );
}
