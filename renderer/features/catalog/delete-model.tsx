import { Trash2 } from 'lucide-react';
import type { CatalogModel } from '#shared/contract/catalog.ts';
import { formatSize } from '#shared/model/units.ts';
import { Button } from '../../components/button.tsx';
import { Popover, PopoverClose } from '../../components/popover.tsx';
import { useEngine } from '../../store/engine-context.ts';
import { notify, notifyError } from '../../store/notices.ts';
import styles from './remove-model.module.css';

export interface DeleteModelProps {
  readonly entry: CatalogModel;
  readonly isLoaded: boolean;
}

/** Deletes the files of a model that Corral downloaded, after saying what that means. */
export function DeleteModel({ entry: { id, metadata }, isLoaded }: DeleteModelProps) {
  const { bridge } = useEngine();
  const remove = async (): Promise<void> => {
    try {
      const { deleted } = await bridge.call('delete-model', { model: id });
      notify('done', `Deleted ${id}. ${formatSize(deleted.freedBytes)} of disk are free again.`);
    } catch (thrown) {
      notifyError(thrown);
    }
  };

  return (
    <Popover
      title={`Delete ${id}?`}
      trigger={
        <Button kind="quiet" aria-label={`Delete ${id}…`} title="Delete its files from the disk">
          <Trash2 size={14} aria-hidden />
        </Button>
      }
    >
      <div className={styles['text']}>
        <p>
          Its files{metadata === null ? '' : `, ${formatSize(metadata.fileBytes)},`} are deleted from the disk. To have
          it again, it must be downloaded again.
        </p>
        {isLoaded ? <p>It is loaded: it finishes what it is answering and is ejected first.</p> : null}
      </div>
      <PopoverClose render={<Button onClick={() => void remove()}>Delete the files</Button>} />
    </Popover>
  );
}
