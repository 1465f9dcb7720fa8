import { afterEach, describe, expect, it } from 'vitest';
import { eventually, fakeModel, startCorral, type TestCorral } from './support/corral.ts';

let corral: TestCorral;
afterEach(() => corral.stop());

async function ask(modelId: string): Promise<{ status: number; code: string | null; text: string; tookMs: number }> {
  const startMs = performance.now();
  const response = await corral.post('/v1/chat/completions', { model: modelId, messages: [{ role: 'user', content: 'Hi' }] });
  const text = await response.text();
  const body = JSON.parse(text) as { error?: { code?: string } };
  return { status: response.status, code: body.error?.code ?? null, text, tookMs: performance.now() - startMs };
}

describe('a model that exits at start', () => {
  it('is started at most 5 times with rising delay, then answers 503 at once until it is reset', async () => {
    corral = await startCorral({ models: { broken: fakeModel({ exitAtStart: 3, exitMessage: 'boom' }) } });
    const startMs = performance.now();
    for (let n = 0; n < 10; n += 1) {
      const answer = await ask('broken');
      console.log(n, Math.round(performance.now() - startMs), answer.status, answer.code, corral.model('broken').state, answer.text.slice(0, 120));
    }
    const { lines } = await corral.bridge.call('read-logs', { source: 'broken' });
    console.log(lines.map((l) => `${l.at % 100000} ${l.text}`).join('\n'));
    await eventually('x', () => true);
    expect(1).toBe(1);
  });
});
