const SECRET_FLAG = /^--?(?:[\w-]*(?:key|token|secret|password|passwd)|hft)$/i;
const SECRET_ASSIGNMENT = /^((?:--?)?[\w-]*(?:key|token|secret|password|passwd)=)./i;

/** A command line as it may be logged and shown: what follows `--api-key` and its like is not part of it. Pure. */
export function maskSecrets(words: readonly string[]): string[] {
  return words.map((word, index) => {
    if (SECRET_FLAG.test(words[index - 1] ?? '') && !word.startsWith('--')) return '***';
    const assignment = SECRET_ASSIGNMENT.exec(word);
    return assignment === null ? word : `${assignment[1] ?? ''}***`;
  });
}
