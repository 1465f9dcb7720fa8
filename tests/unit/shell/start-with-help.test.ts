import { describe, expect, it } from 'vitest';
import { AppError } from '#shared/contract/errors.ts';
import { configInvalidError } from '../../../electron/engine/config/config-issue.ts';
import type { StartProblem } from '../../../electron/shell/decide-start-problem.ts';
import { startWithHelp } from '../../../electron/shell/start-with-help.ts';

const taken = new AppError('port-taken', 'Port 5526 is taken by nginx.');

/** Starts with failures in turn and answers each question by the kind of choice named. */
async function run(failures: readonly Error[], answers: readonly string[]) {
  const asked: StartProblem[] = [];
  const ports: (number | undefined)[] = [];
  const opened: string[] = [];
  const left = [...failures];
  const cancelled = new AbortController();
  const started = await startWithHelp({
    start(port) {
      ports.push(port);
      const failure = left.shift();
      return failure === undefined ? Promise.resolve('running') : Promise.reject(failure);
    },
    findFreePort: () => Promise.resolve(40123),
    ask(problem) {
      const kind = answers[asked.push(problem) - 1];
      if (kind === 'cancelled') cancelled.abort();
      return Promise.resolve(problem.choices.find((choice) => choice.kind === kind) ?? problem.choices.at(-1)!);
    },
    openFile(filePath) {
      opened.push(filePath);
      return Promise.resolve();
    },
    log: () => undefined,
    signal: cancelled.signal,
  });
  return { started, asked, ports, opened };
}

describe('startWithHelp', () => {
  it('asks nothing of a start that works', async () => {
    expect(await run([], [])).toMatchObject({ started: 'running', asked: [], ports: [undefined] });
  });

  it('starts on the port that was offered, and stays with it', async () => {
    const { started, ports } = await run([taken, new Error('no'), taken], ['use-port', 'try-again', 'try-again']);
    expect(started).toBe('running');
    expect(ports).toEqual([undefined, 40123, 40123, 40123]);
  });

  it('asks again after it has opened the file, and starts when told to', async () => {
    const invalid = configInvalidError('/c.yaml', [{ path: 'models', message: 'is not a map' }]);
    const { started, asked, ports, opened } = await run([invalid], ['open-file', 'open-file', 'try-again']);
    expect({ started, questions: asked.length, starts: ports.length }).toEqual({
      started: 'running',
      questions: 3,
      starts: 2,
    });
    expect(opened).toEqual(['/c.yaml', '/c.yaml']);
  });

  it('gives up when the user quits, or Corral is quit meanwhile', async () => {
    expect(await run([taken], ['quit'])).toMatchObject({ started: undefined, ports: [undefined] });
    expect(await run([taken], ['cancelled'])).toMatchObject({ started: undefined, ports: [undefined] });
  });
});
