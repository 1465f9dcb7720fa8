import { describe, expect, it } from 'vitest';
import { AppError } from '#shared/contract/errors.ts';
import { alreadyRunningError } from '../../../electron/engine/config/already-running.ts';
import { configInvalidError } from '../../../electron/engine/config/config-issue.ts';
import { decideStartProblem } from '../../../electron/shell/decide-start-problem.ts';

const taken = new AppError('port-taken', 'Port 5526 on 127.0.0.1 is taken by nginx (pid 12).');

describe('decideStartProblem', () => {
  it('names who holds the port and offers another one for this time', () => {
    const { detail, choices } = decideStartProblem(taken, 41000);
    expect(detail).toContain('nginx (pid 12)');
    expect(choices.map(({ label }) => label)).toEqual(['Try again', 'Use port 41000 this time', 'Quit']);
    expect(choices[1]).toMatchObject({ kind: 'use-port', port: 41000 });
  });

  it('offers no port where none is free', () => {
    expect(decideStartProblem(taken, undefined).choices.map(({ kind }) => kind)).toEqual(['try-again', 'quit']);
  });

  it('shows the first errors of a configuration with their places, and opens the file', () => {
    const issues = Array.from({ length: 7 }, (_, at) => ({
      path: `models.m${at}.ttl`,
      message: 'must be a duration',
      line: at + 3,
    }));
    const { detail, choices } = decideStartProblem(configInvalidError('/home/u/config.yaml', issues), undefined);
    expect(detail).toContain('/home/u/config.yaml');
    expect(detail).toContain('• models.m0.ttl, line 3: must be a duration');
    expect(detail).not.toContain('models.m5');
    expect(detail).toContain('… and 2 more.');
    expect(choices.map(({ label }) => label)).toEqual(['Open the file', 'Try again', 'Quit']);
    expect(choices[0]).toMatchObject({ kind: 'open-file', filePath: '/home/u/config.yaml' });
  });

  it('says a configuration error without a file in its own words', () => {
    const error = new AppError('config-invalid', 'This machine has no address 10.9.9.9; check server.host.');
    expect(decideStartProblem(error, undefined)).toMatchObject({
      detail: error.message,
      choices: [{ kind: 'try-again' }, { kind: 'quit' }],
    });
  });

  it('names the process that holds the data folder', () => {
    const problem = decideStartProblem(alreadyRunningError('/data/corral', 4711), undefined);
    expect(problem.detail).toContain('Process 4711 holds /data/corral');
    expect(problem.choices.at(-1)).toMatchObject({ kind: 'quit' });
    expect(decideStartProblem(alreadyRunningError('/data/corral', undefined), undefined).detail).toContain(
      'Another process holds',
    );
  });

  it('says anything else as it is', () => {
    const problem = decideStartProblem(new AppError('internal', 'Corral failed unexpectedly: EROFS'), undefined);
    expect(problem.detail).toBe('Corral failed unexpectedly: EROFS');
    expect(problem.choices.map(({ kind }) => kind)).toEqual(['try-again', 'quit']);
  });
});
