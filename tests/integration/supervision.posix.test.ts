import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { spawn } from 'node:child_process';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { isResident } from '#shared/model/model-state.ts';
import { readProcessIdentity } from '../../electron/engine/process/process-identity-linux.ts';
import { createTestFolder, eventually, fakeModel, startCorral, type TestCorral } from './support/corral.ts';
import { fakeServerScript } from './support/fake-server-command.ts';
import type { LiveProcess } from './support/live-processes-linux.ts';
import { form, scaled } from './support/scale.ts';

let corral: TestCorral;
afterEach(() => corral.stop());

interface Answer {
  readonly status: number;
  readonly code: string | null;
  readonly text: string;
  readonly tookMs: number;
}

async function ask(modelId: string): Promise<Answer> {
  const startMs = performance.now();
  const response = await corral.post('/v1/chat/completions', {
    model: modelId,
    messages: [{ role: 'user', content: 'Hi' }],
  });
  const text = await response.text();
  const { error } = JSON.parse(text) as { error?: { code?: string } };
  return { status: response.status, code: error?.code ?? null, text, tookMs: performance.now() - startMs };
}

async function startLines(modelId: string): Promise<number[]> {
  const { lines } = await corral.bridge.call('read-logs', { source: modelId, limit: 10_000 });
  return lines.filter((line) => line.text.startsWith('[corral] starts')).map((line) => line.at);
}

/** True for a process that is there, zombies included. */
async function isInProcTable(pid: number): Promise<boolean> {
  return await stat(`/proc/${pid}`).then(
    () => true,
    () => false,
  );
}

async function liveModels(): Promise<LiveProcess[]> {
  return (await corral.folder.liveProcesses()).filter(({ commandLine }) => commandLine.includes('fake-llama-server'));
}

/**
 * Open descriptors of this process, without the two ends of each connection that the test keeps to Corral. Source of the
 * format: proc(5), /proc/net/tcp: local address and port in hexadecimal, remote ones, state (01 is established).
 */
async function openDescriptors(): Promise<number> {
  const [all, table] = await Promise.all([readdir('/proc/self/fd'), readFile('/proc/self/net/tcp', 'utf8')]);
  const port = Number(new URL(corral.address).port).toString(16).toUpperCase().padStart(4, '0');
  const connections = table.split('\n').filter((line) => new RegExp(`^ *\\d+: \\w+:${port} \\w+:\\w+ 01 `).test(line));
  return all.length - 2 * connections.length;
}

/** A model run by some JavaScript that finds its port and `args` in `process.argv`. */
function scriptModel(script: string, args: readonly string[]): Record<string, unknown> {
  return { command: [process.execPath, '-e', script, '--', '${PORT}', ...args] };
}

describe('a model that does not hear SIGTERM', () => {
  it('S3 is killed at the end of its grace period, with what it forked, and leaves no zombie', async () => {
    corral = await startCorral({
      models: { deaf: fakeModel({ ignoreSigterm: true, forkGrandchild: true }, { stopGrace: '700ms' }) },
    });
    await corral.chat('deaf');
    const pid = corral.model('deaf').pid ?? 0;
    const startMs = performance.now();
    const { ejected } = await corral.bridge.call('eject-model', { model: 'deaf', mode: 'now' });
    const tookMs = performance.now() - startMs;
    expect(tookMs).toBeGreaterThan(700 - 250);
    expect(tookMs).toBeLessThan(700 + 250);
    expect(ejected).toMatchObject({ wasLoaded: true, signal: 'SIGKILL' });
    expect(await isInProcTable(pid)).toBe(false);
    expect(await liveModels()).toEqual([]);
  });
});

describe('a stop command', () => {
  it('runs before the signal, and knows the process', async () => {
    const script = 'require("fs").writeFileSync(process.argv[1], process.argv[2])';
    const folder = await createTestFolder();
    const note = path.join(folder.path, 'stopped');
    corral = await startCorral(
      { models: { one: fakeModel({}, { stopCommand: [process.execPath, '-e', script, '--', note, '${PID}'] }) } },
      { folder },
    );
    await corral.chat('one');
    const { pid } = corral.model('one');
    await corral.bridge.call('eject-model', { model: 'one' });
    expect(await readFile(note, 'utf8')).toBe(String(pid));
  });

  // The state changes with the exit of the server; what ended it may take a moment longer.
  it('that outlives the server it ended is gone, and forgotten, when Corral has stopped', async () => {
    const script = 'process.kill(Number(process.argv[1]), "SIGKILL"); setInterval(() => {}, 1000)';
    const stopCommand = [process.execPath, '-e', script, '${PID}'];
    corral = await startCorral({ models: { one: fakeModel({}, { stopCommand, stopGrace: '8s' }) } });
    await corral.bridge.call('load-model', { model: 'one' });
    await corral.bridge.call('eject-model', { model: 'one' });
    await corral.engine.stop();
    expect(await readdir(path.join(corral.folder.path, 'data'))).not.toContain('children.json');
    expect(await corral.folder.liveProcesses()).toEqual([]);
  });

  it('that hangs does not outlive the stop, nor hold it up beyond the grace period', async () => {
    const stopCommand = [process.execPath, '-e', 'setInterval(() => {}, 1000)', '--', 'hanging-stop-command'];
    corral = await startCorral({ models: { one: fakeModel({}, { stopCommand, stopGrace: '300ms' }) } });
    await corral.chat('one');
    const startMs = performance.now();
    await corral.bridge.call('eject-model', { model: 'one' });
    expect(performance.now() - startMs).toBeLessThan(800);
    await eventually(
      'the stop command is gone',
      async () =>
        !(await corral.folder.liveProcesses()).some(({ commandLine }) => commandLine.includes('hanging-stop-command')),
      2000,
    );
  });
});

describe('a model that exits at start', () => {
  it('S4 is started at most 5 times with rising delay, then answers 503 at once until it is reset', async () => {
    corral = await startCorral({ models: { broken: fakeModel({ exitAtStart: 3, exitMessage: 'boom' }) } });
    const answers: Answer[] = [];
    while (corral.model('broken').state !== 'failed') answers.push(await ask('broken'));
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503]);
    expect(answers.map(({ code }) => code)).toEqual([
      ...Array.from({ length: 4 }, () => 'start_failed'),
      'model_failed',
    ]);
    const startsAtMs = await startLines('broken');
    expect(startsAtMs).toHaveLength(5);
    const pausesMs = startsAtMs.slice(1).map((atMs, index) => atMs - (startsAtMs[index] ?? 0));
    expect(pausesMs).toEqual([...pausesMs].sort((one, other) => one - other));
    expect(pausesMs[0]).toBeGreaterThanOrEqual(250);

    for (let turn = 0; turn < 5; turn += 1) {
      const answer = await ask('broken');
      expect(answer).toMatchObject({ status: 503, code: 'model_failed' });
      expect(answer.tookMs).toBeLessThan(100);
      expect(answer.text).toContain('exit code 3');
    }
    expect(await startLines('broken')).toHaveLength(5);

    await corral.bridge.call('reset-model', { model: 'broken' });
    expect(corral.model('broken')).toMatchObject({ state: 'off', problem: null });
    expect(await ask('broken')).toMatchObject({ status: 503, code: 'start_failed' });
    expect(await startLines('broken')).toHaveLength(6);
  });

  const crash = scaled({ short: { everyMs: 400, starts: 3 }, long: { everyMs: 30_000, starts: 5 } });

  it(`S4 and one that crashes every ${crash.everyMs} ms while nobody asks for it comes back by itself after a rising delay, and not for ever ${form}`, async () => {
    corral = await startCorral({ models: { brittle: fakeModel({ exitAfterMs: crash.everyMs }) } });
    await corral.bridge.call('load-model', { model: 'brittle' });
    await eventually(
      `it is started ${crash.starts} times`,
      async () => (await startLines('brittle')).length === crash.starts,
      (crash.everyMs + 9500) * crash.starts,
    );
    const startsAtMs = await startLines('brittle');
    const pausesMs = startsAtMs.slice(1).map((atMs, index) => atMs - (startsAtMs[index] ?? 0) - crash.everyMs);
    expect(pausesMs[0]).toBeGreaterThan(200);
    for (const [index, pauseMs] of pausesMs.slice(1).entries())
      expect(pauseMs).toBeGreaterThan(2 * (pausesMs[index] ?? 0));
    if (crash.starts < 5) return; // The short form has seen the delay rise; the policy's own test has the rest.
    await eventually('it is given up', () => corral.model('brittle').state === 'failed', crash.everyMs + 2000);
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    expect(await startLines('brittle')).toHaveLength(5);
    const answer = await ask('brittle');
    expect(answer).toMatchObject({ status: 503, code: 'model_failed' });
    expect(answer.tookMs).toBeLessThan(100);
  }, 300_000);

  it('is explained by what it said this time, not by what it said last time', async () => {
    const folder = await createTestFolder();
    const seen = path.join(folder.path, 'seen');
    const script = `
      const { existsSync, writeFileSync } = require('fs');
      if (existsSync(process.argv[2])) process.exit(9);
      writeFileSync(process.argv[2], '');
      console.error('error: invalid argument: --nonsense');
      process.exit(1);`;
    corral = await startCorral({ models: { one: scriptModel(script, [seen]) } }, { folder });
    expect((await ask('one')).text).toContain('--nonsense');
    const second = await ask('one');
    expect(second.text).not.toContain('--nonsense');
    expect(second.text).toContain('exit code 9');
  });

  it('of which no process came to be is tried once a request, and keeps the reason in view', async () => {
    corral = await startCorral({ models: { absent: { command: '/nowhere/server --port ${PORT}' } } });
    expect(await ask('absent')).toMatchObject({ status: 503, code: 'start_failed' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(corral.model('absent')).toMatchObject({ state: 'off', problem: { code: 'start-failed' } });
    expect(await startLines('absent')).toHaveLength(1);
  });

  // Node throws for these instead of emitting `error`.
  it.each([
    { name: 'lies below a file', command: [`${fakeServerScript}/server`] },
    { name: 'gets a longer argument than the system allows', command: [process.execPath, 'x'.repeat(200_000)] },
  ])('whose program $name fails as a start, not as a defect of Corral', async ({ command }) => {
    corral = await startCorral({ models: { odd: { command } } });
    expect(await ask('odd')).toMatchObject({ status: 503, code: 'start_failed' });
  });
});

describe('a model that never becomes ready', () => {
  it.each([
    { name: 'refuses its health check', flags: { refuseHealth: true } },
    { name: 'never answers its health check', flags: { healthDrop: true } },
    { name: 'does not hear SIGTERM either', flags: { refuseHealth: true, ignoreSigterm: true } },
  ] as const)('S6 and $name is killed at its deadline, and its place is given to another', async ({ flags }) => {
    corral = await startCorral({
      memory: { maxLoaded: 1 },
      models: { never: fakeModel(flags, { startTimeout: '1s', stopGrace: '8s' }), other: fakeModel({ name: 'other' }) },
    });
    const startMs = performance.now();
    const never = ask('never');
    const other = eventually('never loads', () => corral.model('never').state === 'loading').then(() =>
      corral.chat('other'),
    );
    expect(await never).toMatchObject({ status: 503, code: 'start_failed' });
    const tookMs = performance.now() - startMs;
    expect(tookMs).toBeGreaterThan(900);
    expect(tookMs).toBeLessThan(2000);
    expect(await other).toContain('other-token-1');
    expect(await liveModels()).toHaveLength(1);
  });
});

describe('the ledger of children', () => {
  it('S9 sends no signal to a stranger that got the pid of a child, and ends the child itself', async () => {
    const folder = await createTestFolder();
    const sleeper = (): ReturnType<typeof spawn> =>
      spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true });
    const [stranger, child] = [sleeper(), sleeper()];
    const childGone = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
    const identity = await readProcessIdentity(child.pid ?? 0);
    const strangers = await readProcessIdentity(stranger.pid ?? 0);
    const data = path.join(folder.path, 'data');
    await mkdir(data);
    const entries = [
      { pid: stranger.pid, identity: `${strangers?.split(':')[0] ?? ''}:1` },
      { pid: child.pid, identity },
    ];
    await writeFile(path.join(data, 'children.json'), JSON.stringify(entries));
    corral = await startCorral({ models: { one: fakeModel() } }, { folder });
    expect(await childGone).toBe('SIGTERM');
    expect([stranger.exitCode, stranger.signalCode]).toEqual([null, null]);
    process.kill(stranger.pid ?? 0, 'SIGKILL');
  });

  it.each(['', '{', '[{"pid":-1,"identity":"x"}]', '[{"pid":0,"identity":"x"}]', 'null'])(
    'that reads %j harms nobody and stops nothing',
    async (text) => {
      const folder = await createTestFolder();
      const data = path.join(folder.path, 'data');
      await mkdir(data);
      await writeFile(path.join(data, 'children.json'), text);
      corral = await startCorral({ models: { one: fakeModel() } }, { folder });
      expect(await corral.chat('one')).toContain('token-1');
    },
  );
});

describe('a port that is taken before the model binds it', () => {
  /** A command that finds its port taken in its first `count` runs; it notes all ports in a file. */
  function unluckyServer(folder: string, count: number): Record<string, unknown> {
    const script = `
      const fs = require('fs');
      const [port, file, server] = process.argv.slice(1);
      const run = () => require('child_process')
        .spawn(process.execPath, [server, '--port', port], { stdio: 'inherit' })
        .on('exit', (code) => process.exit(code ?? 1));
      const tries = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim().split('\\n').length : 0;
      fs.appendFileSync(file, port + '\\n');
      if (tries < ${count}) require('net').createServer().listen(Number(port), '127.0.0.1', run);
      else run();`;
    return scriptModel(script, [path.join(folder, 'ports'), fakeServerScript]);
  }

  it('S10 makes it start anew on another port, at most 3 times, and it is one load to who waits', async () => {
    const folder = await createTestFolder();
    corral = await startCorral({ models: { late: unluckyServer(folder.path, 2) } }, { folder });
    expect(await corral.chat('late')).toContain('token-1');
    const ports = (await readFile(path.join(folder.path, 'ports'), 'utf8')).trim().split('\n');
    expect(new Set(ports).size).toBe(3);
    expect(corral.model('late').address).toBe(`127.0.0.1:${ports[2] ?? ''}`);
  });

  it('S10 each time fails the start after 3 tries, and counts as one failure', async () => {
    const folder = await createTestFolder();
    corral = await startCorral({ models: { late: unluckyServer(folder.path, 99) } }, { folder });
    const answer = await ask('late');
    expect(answer).toMatchObject({ status: 503, code: 'start_failed' });
    expect(answer.text).toContain('taken');
    expect(await startLines('late')).toHaveLength(3);
    expect(corral.model('late').state).toBe('crashed');
  });
});

describe('the guard against orphans', () => {
  async function guards(): Promise<LiveProcess[]> {
    const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8');
    const found = await Promise.all(
      children
        .trim()
        .split(' ')
        .map(async (pid) => ({
          pid: Number(pid),
          commandLine: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
        })),
    );
    return found.filter(({ commandLine }) => commandLine.includes('corral-guard'));
  }

  it('is replaced when it is killed, and goes with Corral', async () => {
    corral = await startCorral({ models: { one: fakeModel() } });
    await corral.chat('one');
    const [first] = await guards();
    process.kill(first?.pid ?? 0, 'SIGKILL');
    await eventually('another guard runs', async () => {
      const [next] = await guards();
      return next !== undefined && next.pid !== first?.pid;
    });
    expect(await corral.chat('one')).toContain('token-1');
    const [second] = await guards();
    await corral.engine.stop();
    expect(await isInProcTable(second?.pid ?? 0)).toBe(false);
  });
});

describe('starts, stops and kills in any order', () => {
  const operationCount = scaled({ short: 200, long: 1000 });

  it(`S8 leave the states, the processes and the descriptors in agreement, ${operationCount} of them ${form}`, async () => {
    const ids = ['a', 'b', 'c', 'd'];
    corral = await startCorral({
      memory: { maxLoaded: 2 },
      models: Object.fromEntries(
        ids.map((id, index) => [
          id,
          fakeModel(index === 3 ? { ignoreSigterm: true, forkGrandchild: true } : {}, { stopGrace: '300ms' }),
        ]),
      ),
    });
    // Each model has a log file from its first line on.
    for (const id of ids) await corral.chat(id);
    await corral.bridge.call('eject-all-models', { mode: 'now' });
    const before = await openDescriptors();
    const operation = fc.tuple(
      fc.constantFrom(...ids),
      fc.constantFrom('load', 'load', 'ask', 'eject', 'eject-now', 'kill'),
      fc.nat(40),
    );
    const [operations] = fc.sample(fc.array(operation, { minLength: operationCount, maxLength: operationCount }), {
      numRuns: 1,
      seed: 8,
    });
    const pending: Promise<unknown>[] = [];
    let longestMs = 0;
    const timed = (promise: Promise<unknown>): void => {
      const startMs = performance.now();
      const note = (): void => void (longestMs = Math.max(longestMs, performance.now() - startMs));
      // Refusals and broken connections are outcomes here; what counts is that there is one.
      pending.push(promise.then(note, note));
    };
    for (const [id, what, pauseMs] of operations ?? []) {
      const signal = AbortSignal.timeout(20_000);
      if (what === 'load') timed(corral.engine.loadModel(id, AbortSignal.timeout(4000)));
      else if (what === 'ask') {
        const answer = corral.post(
          '/v1/chat/completions',
          { model: id, messages: [] },
          { signal: AbortSignal.timeout(4000) },
        );
        timed(answer.then((response) => response.text()));
      } else if (what === 'kill') {
        const { pid } = corral.model(id);
        if (pid !== null) process.kill(pid, 'SIGKILL');
      } else timed(corral.engine.ejectModel(id, what === 'eject' ? 'when-idle' : 'now', signal));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      if (corral.model(id).state === 'failed') corral.engine.resetModel(id);
    }
    await Promise.all(pending);
    for (const id of ids) corral.engine.resetModel(id);
    await eventually('all comes to rest', () => ids.every((id) => /off|ready/.test(corral.model(id).state)), 10_000);
    expect(longestMs).toBeLessThan(5000);
    const resident = ids.filter((id) => isResident(corral.model(id).state));
    const leaders = resident.map((id) => corral.model(id).pid);
    const living = await liveModels();
    expect(
      living.map(({ pid }) => pid).filter((pid) => !leaders.includes(pid)),
      'processes that no model owns',
    ).toEqual([]);
    expect(living).toHaveLength(leaders.length);
    await corral.bridge.call('eject-all-models', { mode: 'now' });
    await eventually('descriptors are closed', async () => Math.abs((await openDescriptors()) - before) <= 2);
    expect(await liveModels()).toEqual([]);
  });
});
