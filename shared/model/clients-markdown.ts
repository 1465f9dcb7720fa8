import { clients, recipe, type RecipeFacts, type RecipeStep } from './client-recipes.ts';

/** What stands for a user's own in docs/clients.md; the window's Connect page fills in the real ones. */
const facts: RecipeFacts = {
  address: 'http://127.0.0.1:5526',
  model: 'qwen3-8b',
  key: 'sk-local',
  contextSize: 16_384,
};

const introduction = `# Clients

<!-- Written by \`npm run docs\` from shared/model/client-recipes.ts. -->

How programs are told of Corral. The window's Connect page shows the same with your own address, model and key filled in;
here they are \`${facts.address}\`, \`${facts.model}\` (with a context of ${facts.contextSize} tokens) and \`${facts.key}\`.
Without \`server.apiKeys\` any key is as good as another, but most programs insist on one. A program on another machine, or
in a container, needs an address of this machine that it can reach: see \`server.host\` in [configuration.md](configuration.md)
and [security.md](security.md).`;

/** The document docs/clients.md, before it is formatted. Pure. */
export function clientsMarkdown(): string {
  const groups = [...new Set(clients.map(({ group }) => group))];
  const sections = groups.map((group) => {
    const members = clients.filter((client) => client.group === group);
    return [
      `## ${group}`,
      ...members.map(({ id, name }) => `### ${name}\n\n${recipe(id, facts).map(stepMarkdown).join('\n')}`),
    ].join('\n\n');
  });
  return `${[introduction, ...sections].join('\n\n')}\n`;
}

function stepMarkdown({ text, snippet }: RecipeStep, index: number): string {
  const number = `${index + 1}. `;
  if (snippet === undefined) return number + text;
  if (snippet.language === 'text') return `${number}${text.replace(/:$/, '')}: \`${snippet.code}\``;
  const indent = ' '.repeat(number.length);
  const lines = ['', `\`\`\`${snippet.language}`, ...snippet.code.split('\n'), '```', ''];
  return [number + text, ...lines.map((line) => (line === '' ? '' : indent + line))].join('\n');
}
