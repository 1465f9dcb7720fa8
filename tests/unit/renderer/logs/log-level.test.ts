import { expect, test } from 'vitest';
import { judgeLevel } from '../../../../renderer/features/logs/log-level.ts';

test.each([
  ['stderr', '0.00.010.551 I cmn  common_param: error correction is off', 'normal'],
  ['stderr', '0.00.010.703 W srv  llama_server: security: no API key is set', 'warning'],
  ['stderr', '0.00.390.935 E srv  llama_server: exiting due to model loading error', 'error'],
  ['stderr', 'srv  init: HTTP server is listening', 'normal'],
  ['stderr', 'CUDA error: out of memory', 'error'],
  ['stderr', 'Traceback (most recent call last):', 'error'],
  ['stderr', 'warning: --no-mmap is deprecated', 'warning'],
  ['stderr', 'load_backend: failed to find ggml_backend_init', 'warning'],
  ['stderr', 'finished with 0 errors and no warnings', 'normal'],
  ['stderr', 'starting with --error-log x', 'normal'],
  ['stdout', 'error: unknown argument', 'error'],
  ['stdout', 'The answer to your question, which is rather long, has the word error in it', 'normal'],
  ['corral', 'warn The disk is slow', 'warning'],
  ['corral', 'error The port is taken', 'error'],
  ['corral', 'info ready', 'normal'],
  ['corral', 'exited with code 1: out of memory', 'error'],
] as const)('%s: %s is %s', (stream, text, level) => {
  expect(judgeLevel({ stream, text })).toBe(level);
});
