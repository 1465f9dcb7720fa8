import { Download, Pause, Play, RotateCcw, X } from 'lucide-react';
import { useId, useState, type ReactNode, type SubmitEvent } from 'react';
import type { CatalogModel } from '#shared/contract/catalog.ts';
import type { DownloadView } from '#shared/contract/downloads.ts';
import type { LoadPlanView } from '#shared/contract/memory.ts';
import { describeDownload, downloadPart, isStopped } from '#shared/model/describe-download.ts';
import { Button } from '../../components/button.tsx';
import { LoadButton } from '../../components/load-button.tsx';
import { TextField } from '../../components/text-field.tsx';
import { useAppStore } from '../../store/app-store.ts';
import { useEngine } from '../../store/engine-context.ts';
import { notifyError } from '../../store/notices.ts';
import { selectModel } from '../../store/selectors.ts';
import listStyles from './catalog-list.module.css';
import styles from './downloads.module.css';

export interface DownloadsProps {
  readonly entries: readonly CatalogModel[];
  readonly plans: ReadonlyMap<string, LoadPlanView>;
}

/** Fetching models from Hugging Face, and how the fetching goes. */
export function Downloads({ entries, plans }: DownloadsProps) {
  const downloads = useAppStore(({ snapshot }) => snapshot?.downloads ?? none);
  return (
    <section aria-labelledby="catalog-downloads" className={listStyles['section']}>
      <h2 id="catalog-downloads">Download</h2>
      <DownloadForm />
      {downloads.length === 0 ? null : (
        <ul className={listStyles['list']}>
          {[...downloads].reverse().map((download) => (
            <DownloadRow key={download.id} download={download}>
              <LoadDownloaded download={download} entries={entries} plans={plans} />
            </DownloadRow>
          ))}
        </ul>
      )}
    </section>
  );
}

const none: readonly never[] = [];

function DownloadForm() {
  const { bridge } = useEngine();
  const id = useId();
  const [source, setSource] = useState('');
  const [isAsking, setIsAsking] = useState(false);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const start = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (source.trim() === '') return;
    setIsAsking(true);
    try {
      await bridge.call('pull-model', { source: source.trim() });
      setSource('');
      setProblem(undefined);
    } catch (thrown) {
      setProblem((thrown as Error).message);
    } finally {
      setIsAsking(false);
    }
  };
  return (
    <form className={styles['form']} onSubmit={(event) => void start(event)}>
      <label htmlFor={id}>Model at Hugging Face</label>
      <span className={styles['line']}>
        <TextField
          id={id}
          className={styles['input'] ?? ''}
          value={source}
          placeholder="user/repo or user/repo:Q4_K_M"
          aria-describedby={`${id}-hint`}
          aria-invalid={problem !== undefined}
          onChange={(event) => {
            setSource(event.target.value);
            setProblem(undefined);
          }}
        />
        <Button type="submit" disabled={isAsking || source.trim() === ''}>
          <Download size={14} aria-hidden /> Download
        </Button>
      </span>
      <p
        id={`${id}-hint`}
        className={styles[problem === undefined ? 'hint' : 'issue']}
        role={problem === undefined ? undefined : 'alert'}
      >
        {problem ?? 'Without a quantization, the best that fits into memory is chosen.'}
      </p>
    </form>
  );
}

/** What one wants next, as soon as the model is listed and until it is loaded. */
function LoadDownloaded({ download, entries, plans }: DownloadsProps & { readonly download: DownloadView }) {
  const file = download.modelFile;
  const id = file === null ? undefined : entries.find((entry) => entry.file === file)?.id;
  const isOff = useAppStore((state) => id !== undefined && selectModel(state, id)?.state === 'off');
  return id === undefined || !isOff ? null : <LoadButton id={id} plan={plans.get(id)} />;
}

function DownloadRow({ download, children }: { readonly download: DownloadView; readonly children: ReactNode }) {
  const { bridge } = useEngine();
  const { id, source, state } = download;
  const part = downloadPart(download);
  const act = (command: 'pause-download' | 'resume-download' | 'cancel-download') => (): void => {
    bridge.call(command, { download: id }).catch(notifyError);
  };
  return (
    <li className={listStyles['row']} data-download={source}>
      <div className={listStyles['head']}>
        <span className={listStyles['name']} title={source}>
          {source}
        </span>
        {download.quant === null || source.endsWith(`:${download.quant}`) ? null : (
          <span className={listStyles['tag']}>{download.quant}</span>
        )}
        <span className={styles['state']}>{state === 'failed' ? 'failed' : describeDownload(download)}</span>
        {children}
        {state === 'finished' ? null : isStopped(download) ? (
          <Button
            kind="quiet"
            aria-label={`${state === 'failed' ? 'Try again' : 'Resume'} ${source}`}
            onClick={act('resume-download')}
          >
            {state === 'failed' ? <RotateCcw size={14} aria-hidden /> : <Play size={14} aria-hidden />}
            {state === 'failed' ? 'Try again' : 'Resume'}
          </Button>
        ) : (
          <Button kind="quiet" aria-label={`Pause ${source}`} onClick={act('pause-download')}>
            <Pause size={14} aria-hidden /> Pause
          </Button>
        )}
        <Button
          kind="quiet"
          aria-label={`${state === 'finished' ? 'Dismiss' : 'Cancel'} ${source}`}
          onClick={act('cancel-download')}
        >
          <X size={14} aria-hidden /> {state === 'finished' ? 'Dismiss' : 'Cancel'}
        </Button>
      </div>
      {state === 'finished' || part === undefined ? null : (
        <div
          className={styles['bar']}
          role="progressbar"
          aria-label={`Progress of ${source}`}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.floor(part * 100)}
        >
          <div className={styles['done']} style={{ width: `${part * 100}%` }} data-stopped={isStopped(download)} />
        </div>
      )}
      {state === 'failed' ? (
        <p className={styles['problem']} role="alert">
          {describeDownload(download)}
        </p>
      ) : null}
    </li>
  );
}
