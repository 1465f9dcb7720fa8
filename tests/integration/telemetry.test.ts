import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { RequestRecord } from '#shared/contract/request-record.ts';
import { eventually, fakeModel, startCorral, type TestCorral } from './support/corral.ts';

let corral: TestCorral;
afterEach(() => corral.stop());

async function records(count: number): Promise<RequestRecord[]> {
  await eventually(`${count} records`, () => corral.engine.listRequests(100).length === count);
  return corral.engine.listRequests(100);
}

describe('request records', () => {
  it('tell what a request cost and how it ended, newest first, and nothing of what was said', async () => {
    corral = await startCorral({
      models: { one: fakeModel({ name: 'one', tokens: 6, tokenDelayMs: 10, loadDelayMs: 100 }) },
    });
    await corral.chat('one');
    const streamed = await corral.post('/v1/chat/completions', {
      model: 'one',
      stream: true,
      messages: [{ role: 'user', content: 'canary-prompt' }],
    });
    await streamed.text();
    await corral
      .post('/v1/chat/completions', { model: 'one', messages: [] }, { signal: AbortSignal.timeout(20) })
      .catch(() => undefined);
    const [gone, stream, first] = await records(3);
    expect(first).toMatchObject({ modelId: 'one', lane: 'default', status: 200, endedBy: 'model', isStreaming: false });
    expect(first?.loadWaitMs).toBeGreaterThanOrEqual(100);
    expect(first?.completionTokens).toBe(6);
    expect(stream).toMatchObject({ isStreaming: true, status: 200, endedBy: 'model', loadWaitMs: 0 });
    expect(stream?.completionTokens).toBe(6);
    expect(stream?.ttftMs).toBeLessThan(stream?.durationMs ?? 0);
    expect(gone).toMatchObject({ endedBy: 'client', errorCode: null });
    const readRecords = (): Promise<string> =>
      readFile(path.join(corral.folder.path, 'data', 'logs', 'requests.jsonl'), 'utf8');
    await eventually('the records are in the file', async () => (await readRecords()).trim().split('\n').length === 3);
    const file = await readRecords();
    expect(file + corral.logLines.join()).not.toMatch(/canary|token-1/);
  });

  it('tell of refusals and of processes that broke off', async () => {
    corral = await startCorral({
      models: { bad: fakeModel({ exitAtStart: 1 }), dying: fakeModel({ dieAtToken: 2, tokens: 5, tokenDelayMs: 5 }) },
    });
    await corral.post('/v1/chat/completions', { model: 'bad', messages: [] });
    await corral.post('/v1/chat/completions', { model: 'bad', messages: [] });
    await corral
      .post('/v1/chat/completions', { model: 'dying', stream: true, messages: [] })
      .then((response) => response.text());
    const [dying, bad, first] = await records(3);
    // Whoever lists them tells them apart by it.
    expect(new Set([dying?.id, bad?.id, first?.id]).size).toBe(3);
    expect(bad).toMatchObject({ status: 503, endedBy: 'corral', errorCode: 'start-failed' });
    expect(dying).toMatchObject({ status: 200, endedBy: 'crash', errorCode: 'upstream-unavailable' });
  });
});

describe('/metrics', () => {
  it('has requests, tokens, waits, states, loads and unloads for Prometheus', async () => {
    corral = await startCorral({
      memory: { maxLoaded: 1 },
      models: { one: fakeModel({ tokens: 4 }), two: fakeModel() },
    });
    await corral.chat('one');
    await corral.chat('two');
    await records(2);
    const response = await fetch(`${corral.address}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain');
    const text = await response.text();
    for (const line of [
      'corral_requests_total{model="one",lane="default",status="200",ended_by="model"} 1',
      'corral_tokens_total{model="one",lane="default",direction="completion"} 4',
      'corral_model_state{model="two",state="ready"} 1',
      'corral_model_state{model="one",state="off"} 1',
      'corral_model_load_seconds_count{model="one"} 1',
      'corral_model_unloads_total{model="one",reason="room"} 1',
      'corral_queue_depth{model="two"} 0',
    ]) {
      expect(text).toContain(line);
    }
    const delay = /corral_event_loop_delay_seconds\{quantile="0.5"\} ([\d.e-]+)/.exec(text)?.[1];
    // The time between two measurements is not in it.
    expect(Number(delay)).toBeLessThan(0.1);
  });
});
