import { AlertTriangle } from 'lucide-react';
import type { ReactNode } from 'react';
import type { CatalogModel } from '#shared/contract/catalog.ts';
import type { LoadPlanView } from '#shared/contract/memory.ts';
import type { SettingsView } from '#shared/contract/settings.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { describePlanSize } from '#shared/model/describe-plan.ts';
import { formatSize } from '#shared/model/units.ts';
import { StateDot } from '../../components/state-dot.tsx';
import { heldBytes } from '../../store/selectors.ts';
import listStyles from './catalog-list.module.css';
import styles from './catalog-model.module.css';
import { DeleteModel } from './delete-model.tsx';
import { FilePath } from './file-path.tsx';
import { RemoveModel } from './remove-model.tsx';
import { parametersOf, splitPath } from './suggest-id.ts';

const kinds = {
  language: 'chat',
  embedding: 'embeddings',
  rerank: 'reranking',
  projector: 'projector',
  adapter: 'adapter',
} as const satisfies Record<NonNullable<CatalogModel['metadata']>['kind'], string>;

export interface CatalogModelRowProps {
  readonly model: ModelView;
  /** Undefined for a model with a command of its own. */
  readonly entry: CatalogModel | undefined;
  readonly plan: LoadPlanView | undefined;
  readonly colour: number;
  readonly settings: SettingsView | undefined;
}

/** One model, configured or found: what its file says of it, where it is, what is wrong with it. */
export function CatalogModelRow({ model, entry, plan, colour, settings }: CatalogModelRowProps) {
  const { id, origin } = model;
  return (
    <li className={`${listStyles['row'] ?? ''} ${styles['model'] ?? ''}`} data-model={id}>
      <div className={listStyles['head']}>
        <StateDot state={model.state} colour={colour} />
        <span className={listStyles['name']} title={id}>
          {id}
        </span>
        {tagsOf(model, entry).map((tag) => (
          <span key={tag} className={listStyles['tag']}>
            {tag}
          </span>
        ))}
        <span className={styles['memory']}>{describeMemory(model, plan)}</span>
        {origin !== 'config' ? null : <RemoveModel id={id} isLoaded={model.pid !== null} settings={settings} />}
        {entry?.canDelete === true ? <DeleteModel entry={entry} isLoaded={model.pid !== null} /> : null}
      </div>
      {entry === undefined ? (
        <p className={styles['text']}>
          {model.kind === 'command'
            ? 'Runs a command of its own; Corral knows nothing of its file.'
            : 'Its file is not known yet.'}
        </p>
      ) : (
        <>
          {entry.metadata === null ? null : <Facts entry={entry} metadata={entry.metadata} />}
          <FilePath path={entry.file} label={`Copy the path of ${id}`} />
          {entry.mmproj === null ? null : (
            <div className={styles['projector']}>
              <span>Projector</span>
              <FilePath path={entry.mmproj} label={`Copy the path of ${id}’s projector`} />
            </div>
          )}
          {entry.problem === null ? null : (
            <p className={styles['problem']} role="alert">
              <AlertTriangle size={15} aria-hidden />
              <span>
                {entry.problem}{' '}
                {origin === 'config'
                  ? 'Once the file is there, load the model again; or remove the model from the configuration.'
                  : 'It leaves the list when its file does.'}
              </span>
            </p>
          )}
        </>
      )}
    </li>
  );
}

function Facts({
  entry,
  metadata,
}: {
  readonly entry: CatalogModel;
  readonly metadata: NonNullable<CatalogModel['metadata']>;
}) {
  const parameters = parametersOf(metadata.name, splitPath(entry.file).name);
  return (
    <dl className={styles['facts']}>
      <Fact name="Size">
        {formatSize(metadata.fileBytes)}
        {metadata.partCount > 1 ? ` in ${metadata.partCount} parts` : ''}
      </Fact>
      <Fact name="Quantization">{metadata.quantization.toUpperCase()}</Fact>
      <Fact name="Architecture">{metadata.architecture}</Fact>
      {parameters === undefined ? null : <Fact name="Parameters">{parameters}</Fact>}
      <Fact name="Layers">{metadata.layerCount}</Fact>
      <Fact name="Trained context">{metadata.trainedContextSize} tokens</Fact>
    </dl>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Where a model comes from that nobody listed. */
const origins = {
  config: undefined,
  demo: 'demo',
  folder: 'found on disk',
  'hugging-face': 'Hugging Face',
  ollama: 'Ollama',
  'lm-studio': 'LM Studio',
} as const satisfies Record<ModelView['origin'], string | undefined>;

function tagsOf({ origin, kind }: ModelView, entry: CatalogModel | undefined): string[] {
  const { metadata, mmproj } = entry ?? { metadata: null, mmproj: null };
  return [
    ...(origins[origin] === undefined ? [] : [origins[origin]]),
    ...(kind === 'command' ? ['own command'] : []),
    ...(metadata === null ? [] : [kinds[metadata.kind]]),
    ...(mmproj === null ? [] : ['images or audio']),
  ];
}

function describeMemory(model: ModelView, plan: LoadPlanView | undefined): string {
  const held = heldBytes(model);
  if (held > 0) return `holds ${formatSize(held)}`;
  const size = plan === undefined ? undefined : describePlanSize(plan);
  return size === undefined ? '' : `takes ${size}`;
}
