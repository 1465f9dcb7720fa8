import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ApiKeyConfig } from '../../../electron/engine/config/resolved-config.ts';
import {
  checkHost,
  checkLaneModel,
  checkOrigin,
  DEFAULT_LANE,
  hostName,
  identifyLane,
  isLoopbackAddress,
  isSameSecret,
  presentedKey,
  type GuardPolicy,
} from '../../../electron/engine/proxy/guards.ts';
import { AppError } from '../../../shared/contract/errors.ts';

const policy = (changes: Partial<GuardPolicy> = {}): GuardPolicy => ({
  allowedHosts: [],
  allowedOrigins: [],
  apiKeys: [],
  isKeyDemanded: false,
  ...changes,
});

const apiKey = (name: string, key: string, more: Partial<ApiKeyConfig> = {}): ApiKeyConfig => ({
  name,
  key,
  priority: 0,
  concurrency: undefined,
  models: undefined,
  hasWaitingComments: true,
  ...more,
});

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('hostName', () => {
  it.each([
    ['localhost', 'localhost'],
    ['LocalHost:5526', 'localhost'],
    ['127.0.0.1:5526', '127.0.0.1'],
    ['[::1]', '::1'],
    ['[::1]:5526', '::1'],
    ['[FE80::1%eth0]:1', undefined],
    ['my-box.local:80', 'my-box.local'],
    [' localhost ', 'localhost'],
    ['::1', undefined],
    ['::1:5526', undefined],
    ['user@localhost', undefined],
    ['localhost:', undefined],
    ['localhost:port', undefined],
    ['localhost:5526:5526', undefined],
    ['localhost, evil.example', undefined],
    ['localhost/path', undefined],
    ['localhost#', undefined],
    ['local\thost', undefined],
    ['[::1', undefined],
    ['[localhost]', undefined],
    ['', undefined],
    ['löcalhost', undefined],
  ])('of %j is %j', (authority, name) => {
    expect(hostName(authority)).toBe(name);
  });
});

describe('isLoopbackAddress', () => {
  it.each(['127.0.0.1', '127.255.0.9', '::1', '::ffff:127.0.0.1', '::FFFF:127.0.0.1'])('%s is', (address) => {
    expect(isLoopbackAddress(address)).toBe(true);
  });

  it.each([
    '0.0.0.0',
    '::',
    '128.0.0.1',
    '127.0.0.1.evil.example',
    '127.evil.example',
    '127.1',
    '2130706433',
    '::ffff:10.0.0.1',
    '',
  ])('%j is not', (address) => {
    expect(isLoopbackAddress(address)).toBe(false);
  });
});

describe('checkHost', () => {
  const named = policy({ allowedHosts: ['Box.local', '0.0.0.0'] });

  it.each([
    ['localhost', '127.0.0.1'],
    ['LOCALHOST:5526', '127.0.0.1'],
    ['127.0.0.1:5526', '127.0.0.1'],
    ['127.0.0.2', '127.0.0.2'],
    ['[::1]:5526', '::1'],
    ['[::ffff:127.0.0.1]:5526', '::ffff:127.0.0.1'],
    ['192.168.1.7:5526', '192.168.1.7'],
    ['192.168.1.7', '::ffff:192.168.1.7'],
    ['[2001:db8::7]:5526', '2001:db8::7'],
    ['box.LOCAL:5526', '192.168.1.7'],
  ])('lets %s in on %s', (host, localAddress) => {
    expect(checkHost(host, localAddress, named)).toBeUndefined();
  });

  it.each([
    ['evil.example', '127.0.0.1'],
    ['evil.example:5526', '127.0.0.1'],
    ['localhost.evil.example', '127.0.0.1'],
    ['127.0.0.1.evil.example', '127.0.0.1'],
    ['evil-localhost', '127.0.0.1'],
    ['box.local.evil.example', '127.0.0.1'],
    ['evil.box.local', '127.0.0.1'],
    ['localhost.', '127.0.0.1'],
    ['127.0.0.1.', '127.0.0.1'],
    ['localhost@evil.example', '127.0.0.1'],
    ['evil.example@localhost', '127.0.0.1'],
    ['localhost:5526@evil.example', '127.0.0.1'],
    ['::1', '::1'],
    ['2130706433', '127.0.0.1'],
    ['0x7f.1', '127.0.0.1'],
    ['192.168.1.8', '192.168.1.7'],
    ['192.168.1.7', '127.0.0.1'],
    ['192.168.1.7', undefined],
    ['[::]', '127.0.0.1'],
    ['', '127.0.0.1'],
    [undefined, '127.0.0.1'],
  ])('refuses %j on %s', (host, localAddress) => {
    expect(checkHost(host, localAddress, named)).toMatchObject({ code: 'forbidden' });
  });

  it('refuses every name that is not listed', () => {
    fc.assert(
      fc.property(fc.domain(), (domain) => {
        expect(checkHost(domain, '127.0.0.1', policy())).toBeInstanceOf(AppError);
        expect(checkHost(`localhost.${domain}`, '127.0.0.1', policy())).toBeInstanceOf(AppError);
        expect(checkHost(`127.0.0.1.${domain}:80`, '127.0.0.1', policy())).toBeInstanceOf(AppError);
      }),
    );
  });
});

describe('checkOrigin', () => {
  const configured = policy({ allowedOrigins: ['https://chat.example.com', 'app://obsidian.md'] });

  it.each([
    [undefined, 'localhost:5526'],
    ['http://localhost:5526', 'localhost:5526'],
    ['https://box.local', 'box.local'],
    ['https://chat.example.com', 'localhost:5526'],
    ['app://obsidian.md', 'localhost:5526'],
  ])('lets %s in under host %s', (origin, host) => {
    expect(checkOrigin(origin, host, configured)).toBeUndefined();
  });

  it.each([
    ['null', 'localhost:5526'],
    ['', 'localhost:5526'],
    ['*', 'localhost:5526'],
    ['https://evil.example', 'localhost:5526'],
    ['http://localhost:3000', 'localhost:5526'],
    ['http://127.0.0.1:5526', 'localhost:5526'],
    ['http://chat.example.com', 'localhost:5526'],
    ['https://chat.example.com.evil.example', 'localhost:5526'],
    ['https://chat.example.com:8443', 'localhost:5526'],
    ['https://sub.chat.example.com', 'localhost:5526'],
    ['http://localhost:5526.evil.example', 'localhost:5526'],
    ['http://localhost:5526/', 'localhost:5526'],
    ['ftp://localhost:5526', 'localhost:5526'],
    ['http://undefined', undefined],
  ])('refuses %j under host %s', (origin, host) => {
    expect(checkOrigin(origin, host, configured)).toMatchObject({ code: 'forbidden' });
  });
});

describe('presentedKey', () => {
  it.each([
    [{}, undefined],
    [{ authorization: 'Bearer k1' }, 'k1'],
    [{ authorization: 'bearer   k1  ' }, 'k1'],
    [{ authorization: basic('anybody:k1') }, 'k1'],
    [{ authorization: basic(':k1:with:colons') }, 'k1:with:colons'],
    [{ authorization: basic('k1') }, 'k1'],
    [{ 'x-api-key': 'k1' }, 'k1'],
    [{ 'x-api-key': ['k1', 'k2'] }, 'k1'],
    [{ authorization: 'Bearer k1', 'x-api-key': 'k2' }, 'k1'],
    [{ authorization: 'k1' }, 'k1'],
  ])('of %j is %j', (headers, key) => {
    expect(presentedKey(headers)).toBe(key);
  });
});

describe('X12 isSameSecret', () => {
  it('is true for the same text and for nothing else', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        expect(isSameSecret(one, one)).toBe(true);
        expect(isSameSecret(one, other)).toBe(one === other);
      }),
    );
  });
});

describe('identifyLane', () => {
  const keys = [apiKey('laptop', 'key-one', { priority: 5 }), apiKey('phone', 'key-two', { models: ['small'] })];
  const loopback = policy({ apiKeys: keys });
  const open = policy({ apiKeys: keys, isKeyDemanded: true });
  const keyless = policy();

  it.each([
    ['Bearer', { authorization: 'Bearer key-one' }],
    ['Basic', { authorization: basic('me:key-one') }],
    ['x-api-key', { 'x-api-key': 'key-one' }],
  ])('knows a key sent as %s', (_how, headers) => {
    for (const each of [loopback, open])
      expect(identifyLane(headers, each)).toMatchObject({ name: 'laptop', priority: 5 });
  });

  it.each([
    ['wrong', { authorization: 'Bearer key-three' }],
    ['cut', { authorization: 'Bearer key-on' }],
    ['longer', { authorization: 'Bearer key-one-and-more' }],
    ['in another case', { authorization: 'Bearer KEY-ONE' }],
    ['a name', { authorization: 'Bearer laptop' }],
    ['two at once', { authorization: 'Bearer key-one, key-two' }],
    ['of another scheme', { authorization: 'Digest key-one' }],
  ])('refuses a key that is %s, on loopback too', (_what, headers) => {
    for (const each of [loopback, open]) expect(identifyLane(headers, each)).toMatchObject({ code: 'unauthorized' });
  });

  it.each([{}, { authorization: 'Bearer  ' }, { 'x-api-key': '' }])(
    'takes %j for the default lane on loopback only',
    (headers) => {
      expect(identifyLane(headers, keyless)).toEqual(DEFAULT_LANE);
      if (headers.authorization === undefined) expect(identifyLane(headers, loopback)).toEqual(DEFAULT_LANE);
      expect(identifyLane(headers, open)).toMatchObject({ code: 'unauthorized' });
    },
  );

  it('takes any key where none is configured, on loopback only', () => {
    const headers = { authorization: 'Bearer sk-no-key-required' };
    expect(identifyLane(headers, keyless)).toEqual(DEFAULT_LANE);
    expect(identifyLane(headers, policy({ isKeyDemanded: true }))).toMatchObject({ code: 'unauthorized' });
  });

  it('never repeats the key it refuses', () => {
    const refused = identifyLane({ authorization: 'Bearer canary-4711' }, loopback);
    expect(JSON.stringify([refused, (refused as AppError).message])).not.toContain('canary');
  });
});

describe('checkLaneModel', () => {
  const lane = (models: string[] | undefined) => ({ name: 'phone', priority: 0, models, hasWaitingComments: true });

  it.each([
    [undefined, 'anything', true],
    [['small'], 'small', true],
    [['*'], 'anything', true],
    [['small'], 'small-2', false],
    [['small'], 'Small', false],
    [[], 'small', false],
  ])('with models %j lets %s through: %s', (models, modelId, isAllowed) => {
    expect(checkLaneModel(lane(models), modelId) === undefined).toBe(isAllowed);
  });
});
