import { describe, expect, it } from 'vitest';
import { parseLaunchOptions } from '../../../electron/shell/launch-options.ts';

const none = { configFile: undefined, dataDir: undefined, host: undefined, port: undefined, isHidden: false };

describe('parseLaunchOptions', () => {
  it('takes nothing from a start without arguments', () => {
    expect(parseLaunchOptions([])).toEqual(none);
  });

  it('reads ours among the folder of the app and Chromium’s', () => {
    expect(
      parseLaunchOptions([
        '--no-sandbox',
        '--remote-debugging-port=0',
        '--enable-features=A,B',
        '/src/corral',
        '--hidden',
        '--port',
        '0',
        '--config=/c.yaml',
        '--data-dir',
        '/data',
        '--host=127.0.0.1',
      ]),
    ).toEqual({ configFile: '/c.yaml', dataDir: '/data', host: '127.0.0.1', port: 0, isHidden: true });
  });

  it.each([
    [['--port', 'http'], '--port http is not a port'],
    [['--port', '65536'], '--port 65536 is not a port'],
    [['--port=-1'], '--port -1 is not a port'],
    [['--config'], '--config needs a value'],
    [['--data-dir='], '--data-dir needs a value'],
  ])('says what is wrong with %j', (args, message) => {
    expect(() => parseLaunchOptions(args)).toThrow(message);
  });
});
