import { lazy, type ComponentType } from 'react';
import type { PageName } from './store/pages.ts';

/** The component of each page, fetched when it is opened first: Herd is what one sees at once. */
export const pageTable: Readonly<Record<PageName, ComponentType>> = {
  herd: lazy(async () => ({ default: (await import('./features/herd/herd-page.tsx')).HerdPage })),
  queue: lazy(async () => ({ default: (await import('./features/queue/queue-page.tsx')).QueuePage })),
  activity: lazy(async () => ({ default: (await import('./features/activity/activity-page.tsx')).ActivityPage })),
  logs: lazy(async () => ({ default: (await import('./features/logs/logs-page.tsx')).LogsPage })),
  memory: lazy(async () => ({ default: (await import('./features/memory/memory-page.tsx')).MemoryPage })),
  catalog: lazy(async () => ({ default: (await import('./features/catalog/catalog-page.tsx')).CatalogPage })),
  connect: lazy(async () => ({ default: (await import('./features/connect/connect-page.tsx')).ConnectPage })),
  playground: lazy(async () => ({
    default: (await import('./features/playground/playground-page.tsx')).PlaygroundPage,
  })),
  settings: lazy(async () => ({ default: (await import('./features/settings/settings-page.tsx')).SettingsPage })),
};
