/** The pages of the window, in the order of the navigation; the name is also what the tray asks for. */
export const pages = [
  { name: 'herd', title: 'Herd' },
  { name: 'queue', title: 'Queue' },
  { name: 'activity', title: 'Activity' },
  { name: 'logs', title: 'Logs' },
  { name: 'memory', title: 'Memory' },
  { name: 'catalog', title: 'Catalog' },
  { name: 'connect', title: 'Connect' },
  { name: 'playground', title: 'Playground' },
  { name: 'settings', title: 'Settings' },
] as const;

export type PageName = (typeof pages)[number]['name'];

/** Where the window is: a page and, where it has one, its subject (a model, say). As text: `logs/qwen3-8b`. */
export interface Place {
  readonly page: PageName;
  readonly subject: string | undefined;
}

export function parsePlace(text: string): Place {
  const [, name, subject] = /^#?\/?([a-z]*)(?:\/(.*))?$/s.exec(text) ?? [];
  const page = pages.find((each) => each.name === name);
  if (page === undefined) return { page: 'herd', subject: undefined };
  return { page: page.name, subject: subject === undefined || subject === '' ? undefined : decode(subject) };
}

export function formatPlace({ page, subject }: Place): string {
  return subject === undefined ? `#/${page}` : `#/${page}/${encodeURIComponent(subject)}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A stray percent sign: taken as it is.
  }
}
