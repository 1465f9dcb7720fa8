import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFileAtomically } from '../../../electron/engine/config/atomic-write.ts';
import { createWindowMemory } from '../../../electron/shell/window-memory.ts';

const state = { x: 10, y: 20, width: 1000, height: 700, isMaximised: false };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'corral-window-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function open(lines: string[] = []) {
  return createWindowMemory({
    filePath: path.join(folder, 'window.json'),
    writeFile: writeFileAtomically,
    log: (line) => void lines.push(line),
  });
}

describe('createWindowMemory', () => {
  it('remembers the last place of many', async () => {
    const memory = open();
    expect(await memory.read()).toBeUndefined();
    for (let x = 1; x <= 50; x += 1) memory.write({ ...state, x });
    await memory.flush();
    expect(await open().read()).toEqual({ ...state, x: 50 });
  });

  it('forgets a damaged file, and writes over it', async () => {
    await writeFile(path.join(folder, 'window.json'), '{"x": 1, "y"');
    const memory = open();
    expect(await memory.read()).toBeUndefined();
    memory.write(state);
    await memory.flush();
    expect(JSON.parse(await readFile(path.join(folder, 'window.json'), 'utf8'))).toEqual(state);
  });

  it('says that it could not be saved, and goes on', async () => {
    await rm(folder, { recursive: true });
    const lines: string[] = [];
    const memory = open(lines);
    memory.write(state);
    await memory.flush();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('could not be saved');
  });
});
