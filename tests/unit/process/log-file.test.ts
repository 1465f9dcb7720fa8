import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logFileName, openLogFile } from '../../../electron/engine/process/log-file.ts';
import { createLogStore } from '../../../electron/engine/process/log-store.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'corral-log-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const hostileIds = [
  '../../etc/passwd',
  'a/b',
  'a\\b',
  'a b',
  'C:con',
  '.',
  '..',
  '.hidden',
  'a\nb',
  'ü',
  '模型',
  'x'.repeat(300),
  '\u202e',
];

describe('names of log files', () => {
  it.each(['corral', 'qwen3-8b', 'llama_3.1'])('keep the plain id %s', (id) => {
    expect(logFileName(id)).toBe(`${id}.log`);
  });

  it('tell apart what some file systems do not, and leave alone what Windows keeps for itself', () => {
    expect(logFileName('Model').toLowerCase()).not.toBe(logFileName('model'));
    expect(logFileName('con')).not.toBe('con.log');
  });

  it.each(hostileIds)('are harmless for %j', (id) => {
    expect(logFileName(id)).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]*\.log$/);
    expect(logFileName(id).length).toBeLessThan(100);
  });

  it('differ for different ids', () => {
    const ids = [...hostileIds, 'a_b', 'a.b', 'a:b', 'a?b', `${'x'.repeat(300)}y`, '_etc_passwd', '_'];
    expect(new Set(ids.map(logFileName)).size).toBe(ids.length);
  });
});

describe('a log file', () => {
  it('has every line, in order', async () => {
    const file = openLogFile(folder, 'model', () => undefined);
    for (let line = 0; line < 500; line += 1) file.write(`line ${line}`);
    await file.close();
    const text = await readFile(path.join(folder, 'model.log'), 'utf8');
    expect(text.trimEnd().split('\n')).toEqual(Array.from({ length: 500 }, (_, line) => `line ${line}`));
  });

  it('is rotated, and the oldest part goes', async () => {
    const file = openLogFile(folder, 'model', () => undefined);
    const line = 'x'.repeat(1023);
    const hasRotatedThrice = async (): Promise<boolean> => (await readdir(folder)).includes('model.log.3');
    // A disk that does not keep up makes it leave lines out, so it is the files that tell when it is enough.
    while (!(await hasRotatedThrice())) {
      for (let each = 0; each < 900; each += 1) file.write(line);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    for (let mib = 0; mib < 12; mib += 1) {
      for (let each = 0; each < 900; each += 1) file.write(line);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await file.close();
    const names = await readdir(folder);
    const sizes = await Promise.all(names.map(async (name) => (await stat(path.join(folder, name))).size));
    expect(names.filter((name) => name.startsWith('model.log'))).toHaveLength(4);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(24 * 1024 * 1024);
  });

  it('that cannot be written is told of once, stops nothing and closes', async () => {
    const blocked = path.join(folder, 'a-file');
    await writeFile(blocked, '');
    const problems: string[] = [];
    const file = openLogFile(blocked, 'model', (message) => problems.push(message));
    for (let line = 0; line < 20; line += 1) {
      file.write('text');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await file.close();
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('model');
  });
});

describe('the log store', () => {
  it('keeps each source by itself, with times in the file', async () => {
    const clock = createFakeClock();
    const appended: string[] = [];
    const store = createLogStore({ folder, clock, onAppended: (source, line) => appended.push(`${source} ${line}`) });
    store.append('a', 'stdout', 'first');
    clock.advance(1500);
    store.append('a', 'corral', 'second');
    store.append('b', 'stderr', 'other');
    expect(appended).toEqual(['a 1', 'a 2', 'b 1']);
    expect(store.tail('a', 1)).toEqual(['second']);
    expect(store.tail('nobody', 5)).toEqual([]);
    expect(store.read('nobody', { after: 0, limit: 5 })).toBeUndefined();
    expect(store.read('a', { after: 1, limit: 5 })?.lines.map((line) => line.text)).toEqual(['second']);
    await store.close();
    store.append('a', 'stdout', 'too late');
    expect(await readFile(path.join(folder, 'a.log'), 'utf8')).toBe(
      '2026-01-01T00:00:00.000Z stdout: first\n2026-01-01T00:00:01.500Z second\n',
    );
  });

  // Scorecard X12: a command line may hold line breaks (a quoted script, for one), and Corral logs command lines.
  it('writes one line for one line, though its text has line breaks and escapes', async () => {
    const store = createLogStore({ folder, clock: createFakeClock(), onAppended: () => undefined });
    store.append('a', 'corral', '[corral] starts sh -c echo\n2026-01-01T00:00:00.000Z [corral] forged\u001b[2J');
    await store.close();
    const text = await readFile(path.join(folder, 'a.log'), 'utf8');
    expect(text.trimEnd().split('\n')).toHaveLength(1);
    expect(text).not.toContain('\u001b');
  });
});
