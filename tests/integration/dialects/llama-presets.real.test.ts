import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildSentenceModel } from '../../../electron/engine/catalog/sentence-model.ts';
import { eventually } from '../support/corral.ts';
import { startForeign } from '../support/foreign.ts';
import { useRealLlamaServer } from '../support/use-real-llama-server.ts';

const sentence = 'The red barn stands on the hill.';

const stage = useRealLlamaServer();

describe('presets of llama.cpp’s router', () => {
  it('are served, with a warning for a key that nobody knows', async () => {
    await stage.folder.write('m.gguf', buildSentenceModel({ name: 'm', sentence }));
    const text = [
      'version = 1',
      '[*]',
      'c = 1024',
      'warp-speed = 9',
      '[first]',
      'model = m.gguf',
      'load-on-startup = true',
      'alias = one',
      '[second]',
      'model = m.gguf',
      'LLAMA_ARG_CTX_SIZE = 512',
      'context-shift = false',
      'hyperdrive = on',
    ].join('\n');
    const env = { PATH: `${path.dirname(stage.llamaServer)}${path.delimiter}${process.env['PATH'] ?? ''}` };
    const corral = await startForeign(stage.folder, text, { name: 'presets.ini', env });
    stage.endAfterwards(corral.stop);
    const { engine, nativeAddress, logLines } = corral;
    await eventually('it is loaded at start', () => engine.model('first').state === 'ready', 15_000);
    const chat = async (model: string): Promise<unknown> => {
      const response = await fetch(`${nativeAddress}/v1/chat/completions`, {
        method: 'POST',
        body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] }),
      });
      const body = (await response.json()) as { choices?: [{ message: { content: string } }] };
      return body.choices?.[0].message.content ?? body;
    };
    expect(await chat('one')).toBe(sentence);
    expect(await chat('second')).toBe(sentence);
    expect(engine.model('first').commandLine?.join(' ')).toContain('--ctx-size 1024');
    expect(engine.model('second').commandLine?.join(' ')).toMatch(/--ctx-size 512 .*--no-context-shift/);
    const warnings = logLines.filter((line) => line.startsWith('warn')).join('\n');
    expect(warnings).toContain('warp-speed');
    expect(warnings).toContain('second.hyperdrive');
  });
});
