/**
 * The arguments of electron-builder that depend on who builds: where updates come from, and what deb and rpm name as
 * homepage. Without a repository there are no updates, and the app says so. `chosen` is what the user asked for,
 * such as `--linux deb`.
 */
export function distArguments(env: Readonly<Record<string, string | undefined>>, chosen: readonly string[]): string[] {
  const args = [...chosen];
  // Uploading is the release workflow's business, after everything is built and tested.
  if (!chosen.some((arg) => arg === '--publish' || arg === '-p' || arg.startsWith('--publish='))) {
    args.push('--publish', 'never');
  }
  const repository = env['CORRAL_RELEASE_REPOSITORY'] ?? env['GITHUB_REPOSITORY'] ?? '';
  if (repository === '') return [...args, '--config.extraMetadata.homepage=https://corral.invalid'];
  const parts = /^([\w.-]+)\/([\w.-]+)$/.exec(repository);
  if (parts === null) {
    throw new Error(
      `CORRAL_RELEASE_REPOSITORY (or GITHUB_REPOSITORY) is "${repository}", but must be owner/name as GitHub spells it.`,
    );
  }
  const [, owner = '', name = ''] = parts;
  return [
    ...args,
    `--config.extraMetadata.homepage=https://github.com/${owner}/${name}`,
    '--config.publish.provider=github',
    `--config.publish.owner=${owner}`,
    `--config.publish.repo=${name}`,
    '--config.publish.releaseType=draft',
  ];
}
