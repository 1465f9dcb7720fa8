import { describe, expect, it } from 'vitest';
import {
  AppError,
  deserialiseError,
  errorCodes,
  errorStatus,
  errorType,
  serialiseError,
  serialisedErrorSchema,
  toAppError,
} from '../../../shared/contract/errors.ts';

describe('AppError', () => {
  it.each(errorCodes)('%s survives a transport', (code) => {
    const error = new AppError(code, 'What failed.', { details: { neededBytes: 7 }, cause: new Error('inner') });
    const received = deserialiseError(serialisedErrorSchema.parse(JSON.parse(JSON.stringify(serialiseError(error)))));
    expect(received).toBeInstanceOf(AppError);
    expect(received).toMatchObject({ code, message: 'What failed.', details: { neededBytes: 7 } });
  });

  it('does not take its cause, its stack or its file paths along', () => {
    const text = JSON.stringify(serialiseError(new AppError('internal', 'x', { cause: new Error('canary') })));
    expect(text).toBe('{"code":"internal","message":"x"}');
  });

  it('has a status and a type for every code', () => {
    for (const code of errorCodes) {
      expect(errorStatus(code)).toBeGreaterThanOrEqual(400);
      expect(errorStatus(code)).toBeLessThan(600);
      expect(errorType(code)).toMatch(/^[a-z_]+_error$/);
    }
  });

  it('refuses codes that there are not', () => {
    expect(serialisedErrorSchema.safeParse({ code: 'made-up', message: 'x' }).success).toBe(false);
  });
});

describe('toAppError', () => {
  it('leaves an AppError as it is', () => {
    const error = new AppError('conflict', 'x');
    expect(toAppError(error)).toBe(error);
  });

  it.each([[new TypeError('boom')], ['boom'], [['boom']]])('makes %s an internal error', (thrown) => {
    const error = toAppError(thrown);
    expect(error).toMatchObject({ code: 'internal', cause: thrown });
    expect(error.message).toContain('boom');
  });
});
