import { expect, test } from 'vitest';
import { distArguments } from '../../../build/dist-arguments.ts';

test('without a repository there is nowhere to update from', () => {
  const args = distArguments({}, ['--linux', 'deb']);
  expect(args.slice(0, 4)).toEqual(['--linux', 'deb', '--publish', 'never']);
  expect(args.join(' ')).not.toContain('config.publish');
});

test('updates come from the repository that releases, by a draft', () => {
  const args = distArguments({ GITHUB_REPOSITORY: 'someone/corral' }, []);
  expect(args).toEqual(
    expect.arrayContaining([
      '--config.publish.provider=github',
      '--config.publish.owner=someone',
      '--config.publish.repo=corral',
      '--config.publish.releaseType=draft',
      '--config.extraMetadata.homepage=https://github.com/someone/corral',
    ]),
  );
});

test('a repository that is set by hand wins over the one CI runs in', () => {
  const env = { CORRAL_RELEASE_REPOSITORY: 'a/b', GITHUB_REPOSITORY: 'c/d' };
  expect(distArguments(env, [])).toContain('--config.publish.owner=a');
});

test('who says when to upload is left alone', () => {
  expect(distArguments({}, ['--publish', 'always']).filter((arg) => arg.startsWith('--publish'))).toEqual([
    '--publish',
  ]);
});

test('a repository that is no owner/name says what it must be', () => {
  expect(() => distArguments({ CORRAL_RELEASE_REPOSITORY: 'https://github.com/a/b' }, [])).toThrow('owner/name');
});
