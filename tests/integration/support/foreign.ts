import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import type { ForeignFormatName } from '../../../electron/engine/dialects/dialect-names.ts';
import type { Engine } from '../../../electron/engine/engine.ts';
import { startHeadless } from '../../../electron/headless.ts';
import type { TestFolder } from './corral.ts';

/**
 * Where ports are counted from in files that count them. Two test files at once would start at the same one else, and the
 * server that binds it first answers for both.
 */
export const FIRST_TEST_PORT = 20_000 + (process.pid % 10_000);

/** Corral with the configuration of another program, as `corral serve --config` starts it. */
export interface ForeignCorral {
  readonly engine: Engine;
  /** Where that program's language is spoken. */
  readonly address: string;
  readonly nativeAddress: string;
  readonly configFile: string;
  readonly dataFolder: string;
  readonly logLines: readonly string[];
  /** What was printed for the operator. */
  readonly printed: readonly string[];
  /** With the token of this start where `isAdmin`. */
  ask(
    route: string,
    init?: RequestInit & { isAdmin?: boolean },
  ): Promise<{ status: number; body: unknown; text: string }>;
  chat(modelId: string, more?: Record<string, unknown>): Promise<string>;
  stop(): Promise<void>;
}

/** Ends nothing of the folder, which is the test's. `env` holds while it starts, and is what its models inherit. */
export async function startForeign(
  folder: TestFolder,
  document: unknown,
  {
    format,
    env = {},
    name = 'foreign.json',
    host,
  }: { format?: ForeignFormatName; env?: Record<string, string>; name?: string; host?: string } = {},
): Promise<ForeignCorral> {
  const configFile = path.join(folder.path, name);
  await mkdir(path.dirname(configFile), { recursive: true });
  await writeFile(configFile, typeof document === 'string' ? document : JSON.stringify(document, undefined, 2));
  const logLines: string[] = [];
  const printed: string[] = [];
  const changes: Record<string, string> = { CORRAL_TEST_RUN: folder.marker, ...env };
  const before = Object.fromEntries(Object.keys(changes).map((each) => [each, process.env[each]]));
  const restore = (): void => {
    for (const [each, value] of Object.entries(before)) {
      if (value === undefined) Reflect.deleteProperty(process.env, each);
      else process.env[each] = value;
    }
  };
  Object.assign(process.env, changes);
  let engine: Engine;
  const dataFolder = path.join(folder.path, 'data');
  try {
    engine = await startHeadless({
      configFile,
      format,
      host,
      port: 0,
      dataDir: dataFolder,
      version: '0.0.0-test',
      print: (line) => printed.push(line),
      printLog: (line) => logLines.push(line),
    });
  } catch (thrown) {
    restore();
    throw thrown;
  }
  const address = engine.furtherListeners()[0]?.address ?? '';

  const ask: ForeignCorral['ask'] = async (route, { isAdmin = false, ...init } = {}) => {
    const response = await fetch(`${address}${route}`, {
      ...init,
      headers: {
        ...(isAdmin ? { authorization: `Bearer ${engine.instanceToken}` } : {}),
        ...(init.headers as Record<string, string> | undefined),
      },
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    return { status: response.status, text, body: isJson ? (JSON.parse(text) as unknown) : undefined };
  };

  return {
    engine,
    address,
    nativeAddress: engine.address(),
    configFile,
    dataFolder,
    logLines,
    printed,
    ask,
    async chat(modelId, more = {}) {
      const { status, text, body } = await ask('/v1/chat/completions', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: modelId, messages: [{ role: 'user', content: 'Hello!' }], ...more }),
      });
      expect(status, text).toBe(200);
      return (body as { choices: [{ message: { content: string } }] }).choices[0].message.content;
    },
    async stop() {
      await engine.stop();
      restore();
    },
  };
}
