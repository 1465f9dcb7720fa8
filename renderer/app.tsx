import { Suspense, useEffect, useMemo, useRef } from 'react';
import type { Bridges } from './bridge/select-bridge.ts';
import { LoadingState } from './components/states.tsx';
import { Banners } from './frame/banners.tsx';
import { CommandPalette } from './frame/command-palette.tsx';
import { ErrorBoundary } from './frame/error-boundary.tsx';
import { LockedPage } from './frame/locked-page.tsx';
import { Navigation } from './frame/navigation.tsx';
import { Notices } from './frame/notices.tsx';
import { TitleBar } from './frame/title-bar.tsx';
import { pageTable } from './page-table.tsx';
import { useAppStore } from './store/app-store.ts';
import { EngineContext, type EngineContextValue } from './store/engine-context.ts';
import { followEngine } from './store/follow-engine.ts';
import { createModelActions } from './store/model-actions.ts';
import { followAddress, navigate } from './store/navigate.ts';
import { parsePlace } from './store/pages.ts';
import styles from './app.module.css';

/** The whole window. */
export function App({ bridges }: { readonly bridges: Bridges }) {
  const { bridge, desktop } = bridges;
  const isLocked = useAppStore(({ connection }) => connection.status === 'locked');
  const engine = useMemo<EngineContextValue | undefined>(
    () => (bridge === undefined ? undefined : { bridge, desktop, actions: createModelActions(bridge) }),
    [bridge, desktop],
  );

  useEffect(() => followAddress(), []);
  useEffect(() => (bridge === undefined ? undefined : followEngine(bridge)), [bridge]);
  useEffect(
    () =>
      desktop?.onNavigate((page) => {
        const place = parsePlace(page);
        navigate(place.page, place.subject);
      }),
    [desktop],
  );

  if (engine === undefined || isLocked) return <LockedPage isRefused={isLocked} />;
  return (
    <EngineContext value={engine}>
      <div className={styles['app']}>
        <TitleBar />
        <Navigation />
        <main className={styles['main']}>
          <Banners />
          <CurrentPage />
        </main>
        <Notices />
        <CommandPalette />
      </div>
    </EngineContext>
  );
}

function CurrentPage() {
  const page = useAppStore(({ place }) => place.page);
  const hasSnapshot = useAppStore(({ snapshot }) => snapshot !== undefined);
  const container = useRef<HTMLDivElement>(null);
  const isFirst = useRef(true);

  // Who uses a screen reader or the keyboard is where the new page begins, not where the old one was.
  useEffect(() => {
    if (isFirst.current) isFirst.current = false;
    else container.current?.querySelector<HTMLElement>('#page-title')?.focus();
  }, [page]);

  const Component = pageTable[page];
  return (
    <div className={styles['page']} ref={container}>
      <ErrorBoundary key={page}>
        {hasSnapshot ? (
          <Suspense fallback={null}>
            <Component />
          </Suspense>
        ) : (
          <LoadingState label="Connecting to Corral…" />
        )}
      </ErrorBoundary>
    </div>
  );
}
