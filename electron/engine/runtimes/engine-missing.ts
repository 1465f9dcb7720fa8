import { AppError } from '#shared/contract/errors.ts';

export interface EngineMissingOptions {
  /** Why there is no llama-server: a sentence. */
  readonly reason: string;
  /** What to do: a sentence. */
  readonly hint: string;
  readonly cause?: unknown;
  readonly retryAfterSeconds?: number;
}

/** An `engine-missing` error that carries reason and hint apart, for the status that is shown. */
export function createEngineMissingError(options: EngineMissingOptions): AppError {
  return new AppError('engine-missing', `${options.reason} ${options.hint}`, {
    details: { reason: options.reason, hint: options.hint },
    ...(options.cause === undefined ? {} : { cause: options.cause }),
    ...(options.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: options.retryAfterSeconds }),
  });
}

/** How people get a llama-server themselves, by Node's name of the platform. */
export function decideInstallHint(platform: NodeJS.Platform): string {
  const release = 'take a release from https://github.com/ggml-org/llama.cpp/releases';
  const setting = 'and put llama-server on the PATH, or set `engine.path` to it.';
  switch (platform) {
    case 'darwin':
      return `Install llama.cpp with \`brew install llama.cpp\`, or ${release} ${setting}`;
    case 'win32':
      return `Install llama.cpp with \`winget install llama.cpp\`, or ${release} ${setting}`;
    default:
      return `Install llama.cpp with your package manager or with \`brew install llama.cpp\`, or ${release} ${setting}`;
  }
}
