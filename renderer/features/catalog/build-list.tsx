import type { CatalogBuild } from '#shared/contract/catalog.ts';
import { EmptyState } from '../../components/states.tsx';
import { useAppStore } from '../../store/app-store.ts';
import listStyles from './catalog-list.module.css';
import styles from './build-list.module.css';
import { FilePath } from './file-path.tsx';

const origins = {
  config: 'named in the configuration',
  path: 'found on the PATH',
  installed: 'fetched by Corral',
} as const satisfies Record<CatalogBuild['origin'], string>;

/** The llama.cpp builds that are known, and which one models are started with. */
export function BuildList({ builds }: { readonly builds: readonly CatalogBuild[] }) {
  const status = useAppStore(({ snapshot }) => snapshot?.engine);
  return (
    <section aria-labelledby="catalog-builds" className={listStyles['section']}>
      <h2 id="catalog-builds">llama.cpp builds</h2>
      {builds.length === 0 ? (
        <EmptyState title="No llama-server is known yet">
          <p>
            {status?.status === 'missing'
              ? `${status.reason} ${status.hint}`
              : 'Corral looks for one, or fetches it, when the first model needs it.'}
          </p>
        </EmptyState>
      ) : (
        <ul className={listStyles['list']}>
          {builds.map((build) => (
            <li key={build.id} className={styles['build']} data-build={build.id}>
              <div className={listStyles['head']}>
                <span className={styles['version']}>{build.version ?? 'version not known'}</span>
                {build.isInUse ? <span className={styles['tag']}>in use</span> : null}
                <span className={styles['origin']}>{describeOrigin(build)}</span>
              </div>
              <FilePath path={build.executable} label={`Copy the path of build ${build.version ?? build.id}`} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

function describeOrigin({ origin, source, installedAt }: CatalogBuild): string {
  return [
    origins[origin],
    ...(source === null ? [] : [`from ${source}`]),
    ...(installedAt === null ? [] : [`on ${day.format(installedAt)}`]),
  ].join(' ');
}
