/** What a learned need holds for. */
export interface NeedCircumstances {
  /** Of the model file, and of the projector's if it has one. */
  readonly fingerprint: string;
  readonly projectorFingerprint: string | undefined;
  /** llama-server's arguments. */
  readonly args: readonly string[];
  /** The devices it may use, by name. */
  readonly devices: readonly string[];
  /** The engine build's id, which changes with its version. */
  readonly buildId: string;
}

/** Flags that differ between starts or say what the fingerprints say; none changes what is allocated. */
const valuedFlags: ReadonlySet<string> = new Set([
  ...['--model', '-m', '--mmproj', '-mm', '--alias', '-a', '--host', '--port', '--api-key', '--api-key-file'],
  ...['--log-verbosity', '--verbosity', '-lv', '--log-colors', '--log-file', '--slot-save-path', '--chat-template'],
  ...['--chat-template-file', '--temp', '--top-k', '--top-p', '--min-p', '--seed', '-s', '--threads-http', '--timeout'],
]);
const switches: ReadonlySet<string> = new Set([
  '--no-ui',
  '--no-webui',
  '--metrics',
  '--slots',
  '--jinja',
  '--no-slots',
]);

/** Equal for starts that allocate the same. Pure. */
export function needKey(circumstances: NeedCircumstances): string {
  const { fingerprint, projectorFingerprint, args, devices, buildId } = circumstances;
  return JSON.stringify([fingerprint, projectorFingerprint ?? '', normaliseArgs(args), devices, buildId]);
}

/** The order stays, since of a flag that comes twice the last one counts; `--flag=value` becomes two. */
export function normaliseArgs(args: readonly string[]): string[] {
  const words = args.flatMap((argument) => {
    const match = /^(--[\w-]+)=(.*)$/s.exec(argument);
    return match === null ? [argument] : [match[1] ?? '', match[2] ?? ''];
  });
  const kept: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (valuedFlags.has(word)) index += 1;
    else if (!switches.has(word)) kept.push(word);
  }
  return kept;
}
