import { AppError } from '#shared/contract/errors.ts';
import { isRepoName, isSafeRelativePath } from './safe-names.ts';

/** What to fetch from Hugging Face. */
export interface PullSource {
  /** `user/repo` */
  readonly repo: string;
  /** The quantization asked for, as it was written. */
  readonly quant: string | undefined;
  /** A file within the repository. */
  readonly file: string | undefined;
}

const HELP =
  'Write it as `user/repo`, `user/repo:Q4_K_M` or `user/repo/file.gguf`, as on the page of the model at Hugging Face.';

/**
 * Reads `user/repo`, `user/repo:QUANT`, `user/repo/file.gguf`, with or without `hf.co/` or the address of a page at the
 * origin before it. `file` stands above what the text names. Throws `invalid-request`.
 */
export function parsePullSource(
  text: string,
  options: { readonly file?: string; readonly origin?: string } = {},
): PullSource {
  const short = withoutAddress(text.trim(), options.origin);
  const [, repo = '', rest = ''] = /^([^/:]+\/[^/:]+)((?:[/:].*)?)$/s.exec(short) ?? [];
  if (!isRepoName(repo)) throw refuse(text, 'names no repository');
  const named = rest.startsWith('/') ? rest.slice(1) : undefined;
  const file = options.file ?? named;
  if (file !== undefined && (!isSafeRelativePath(file) || !/\.gguf$/i.test(file))) {
    throw refuse(file, 'names no GGUF file within a repository');
  }
  const quant = rest.startsWith(':') ? rest.slice(1) : undefined;
  if (quant !== undefined && !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(quant)) {
    throw refuse(text, 'names no quantization after the colon');
  }
  // `latest` is what Ollama's clients write where they mean none.
  return { repo, quant: quant?.toLowerCase() === 'latest' ? undefined : quant, file };
}

/** The source as one line, the way it can be asked for again. */
export function formatPullSource({ repo, quant, file }: PullSource): string {
  if (file !== undefined) return `${repo}/${file}`;
  return quant === undefined ? repo : `${repo}:${quant}`;
}

function withoutAddress(text: string, origin: string | undefined): string {
  const own = [origin, 'https://huggingface.co', 'huggingface.co', 'https://hf.co', 'hf.co'].filter(
    (each) => each !== undefined,
  );
  const found = own.map((each) => `${each.replace(/\/+$/, '')}/`).find((each) => text.startsWith(each));
  const path = found === undefined ? text : text.slice(found.length);
  return path
    .replace(/\/+$/, '')
    .replace(/[?#].*$/s, '')
    .replace(/^([^/]+\/[^/]+)\/(?:blob|resolve|tree|raw)\/[^/]+(?=\/|$)/, '$1');
}

function refuse(text: string, what: string): AppError {
  return new AppError('invalid-request', `${JSON.stringify(text.slice(0, 200))} ${what}. ${HELP}`);
}
