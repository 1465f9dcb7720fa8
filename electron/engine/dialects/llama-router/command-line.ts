import { parseArgs } from 'node:util';

/** The command line of llama-router. */

export type RouterCommand =
  | { readonly kind: 'help' }
  | { readonly kind: 'serve'; readonly configFile: string | undefined }
  | { readonly kind: 'import'; readonly configFile: string | undefined; readonly folder: string }
  | {
      readonly kind: 'download';
      readonly configFile: string | undefined;
      /** `user/repo` or `user/repo:quant`. */
      readonly repository: string;
      /** A file in it, where one was named. */
      readonly file: string | undefined;
    };

export type RouterCommandResult =
  | { readonly ok: true; readonly command: RouterCommand }
  /** llama-router ends with 1 then. */
  | { readonly ok: false; readonly message: string };

export const routerHelp = `Usage: corral as llama-router [options]

  -h, --help                 show this help
  --config <path>            configuration file (default: ~/.config/llama.cpp/router-config.json)
  -hf, -hfr, --hf-repo <user/repo[:quant]>
                             download a model from Hugging Face, and end
  -hff, --hf-file <file>     the file to download from that repository
  --import-dir <folder>      add all models below a folder to the configuration, and end

Environment: HF_TOKEN, for private or gated repositories.
`;

const longNames: Readonly<Record<string, string>> = {
  '-h': '--help',
  '-hf': '--hf-repo',
  '-hfr': '--hf-repo',
  '-hff': '--hf-file',
};

/** Pure. */
export function parseRouterCommandLine(args: readonly string[]): RouterCommandResult {
  const spelled = args.map((argument) => longNames[argument] ?? argument);
  const withoutValue = spelled.findIndex(
    (argument, index) => /^--(config|hf-repo|hf-file|import-dir)$/.test(argument) && isMissing(spelled[index + 1]),
  );
  if (withoutValue !== -1) return { ok: false, message: `${args[withoutValue] ?? ''} needs a value` };
  let values;
  try {
    ({ values } = parseArgs({
      args: spelled,
      options: {
        help: { type: 'boolean' },
        config: { type: 'string' },
        'hf-repo': { type: 'string' },
        'hf-file': { type: 'string' },
        'import-dir': { type: 'string' },
      },
      strict: true,
      allowPositionals: false,
    }));
  } catch (error) {
    return { ok: false, message: error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error) };
  }
  const { help, config: configFile, 'hf-repo': repository, 'hf-file': file, 'import-dir': folder } = values;
  if (help === true) return { ok: true, command: { kind: 'help' } };
  if (repository !== undefined) {
    if (!/^[^/:\s]+\/[^/:\s]+(:[^/:\s]+)?$/.test(repository)) {
      return { ok: false, message: '-hf must be user/repo or user/repo:quant' };
    }
    return { ok: true, command: { kind: 'download', configFile, repository, file } };
  }
  if (file !== undefined) return { ok: false, message: '-hff names a file in the repository that -hf names' };
  if (folder !== undefined) return { ok: true, command: { kind: 'import', configFile, folder } };
  return { ok: true, command: { kind: 'serve', configFile } };
}

function isMissing(value: string | undefined): boolean {
  return value === undefined || value === '' || value.startsWith('-');
}
