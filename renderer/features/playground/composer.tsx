import { ImagePlus, X } from 'lucide-react';
import { useRef, useState, type KeyboardEvent } from 'react';
import { formatSize } from '#shared/model/units.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { Button } from '../../components/button.tsx';
import { notify, notifyError } from '../../store/notices.ts';
import styles from './composer.module.css';
import { isRunning, parameterProblem } from './conversation.ts';
import { imageProblem, MAX_IMAGE_BYTES, readImage } from './image-input.ts';
import { sendDraft, setDraft, stopAnswer, usePlaygroundStore } from './playground-store.ts';

const MAX_ROWS = 10;

/** What is said next. Enter sends, Shift and Enter begins a line; images come by choosing, pasting or dropping them. */
export function Composer({ model, obstacle }: { readonly model: ModelView; readonly obstacle: string | undefined }) {
  const { text, images } = usePlaygroundStore((state) => state.draft);
  const settings = usePlaygroundStore((state) => state.settings);
  const isBusy = usePlaygroundStore(({ turns }) => isRunning(turns.at(-1)));
  const [isDropping, setIsDropping] = useState(false);
  const chooser = useRef<HTMLInputElement>(null);
  const areParametersFine = (['temperature', 'topP', 'maxTokens'] as const).every(
    (name) => parameterProblem(name, settings[name]) === undefined,
  );
  const canSend = !isBusy && obstacle === undefined && areParametersFine && (text.trim() !== '' || images.length > 0);

  const onKeyDown = (event: KeyboardEvent): void => {
    // While a word is being composed (Chinese, Japanese), Enter belongs to that.
    if (event.key !== 'Enter' || event.shiftKey || event.altKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    if (canSend) sendDraft(model.id);
  };
  const take = (files: Iterable<File>): void => void addImages(files).catch(notifyError);

  return (
    <form
      className={styles['composer']}
      data-dropping={isDropping}
      onSubmit={(event) => {
        event.preventDefault();
        if (canSend) sendDraft(model.id);
      }}
      onDragOver={(event) => {
        event.preventDefault();
        setIsDropping(true);
      }}
      onDragLeave={() => setIsDropping(false)}
      onDrop={(event) => {
        event.preventDefault();
        setIsDropping(false);
        take(event.dataTransfer.files);
      }}
    >
      {images.length === 0 ? null : (
        <ul className={styles['images']} aria-label="Images to send">
          {images.map(({ url, name }, index) => (
            <li key={url.slice(0, 64) + String(index)}>
              <img src={url} alt={name} />
              <Button
                kind="quiet"
                aria-label={`Leave out ${name}`}
                onClick={() => setDraft({ images: images.filter((_, each) => each !== index) })}
              >
                <X size={14} aria-hidden />
              </Button>
            </li>
          ))}
        </ul>
      )}
      <textarea
        aria-label={`Message to ${model.id}`}
        placeholder={obstacle ?? 'Message'}
        rows={Math.min(MAX_ROWS, Math.max(2, text.split('\n').length))}
        value={text}
        onChange={({ target }) => setDraft({ text: target.value })}
        onKeyDown={onKeyDown}
        onPaste={(event) => {
          if (event.clipboardData.files.length === 0) return;
          event.preventDefault();
          take(event.clipboardData.files);
        }}
      />
      <div className={styles['actions']}>
        <input
          ref={chooser}
          type="file"
          accept="image/png,image/jpeg,image/webp,image/gif,image/bmp"
          multiple
          hidden
          aria-label="Images"
          onChange={({ target }) => {
            take([...(target.files ?? [])]);
            target.value = '';
          }}
        />
        <Button kind="quiet" onClick={() => chooser.current?.click()}>
          <ImagePlus size={14} aria-hidden /> Image
        </Button>
        <span className={styles['hint']}>
          {areParametersFine
            ? `Enter sends, Shift+Enter begins a line. Images up to ${formatSize(MAX_IMAGE_BYTES)}, for models that see.`
            : 'A parameter above is not as it should be.'}
        </span>
        {isBusy ? (
          <Button onClick={stopAnswer}>Stop</Button>
        ) : (
          <Button kind="primary" type="submit" disabled={!canSend}>
            Send
          </Button>
        )}
      </div>
    </form>
  );
}

async function addImages(files: Iterable<File>): Promise<void> {
  for (const file of files) {
    const problem = imageProblem(file, usePlaygroundStore.getState().draft.images.length);
    if (problem !== undefined) {
      notify('trouble', problem);
      continue;
    }
    const image = await readImage(file);
    setDraft({ images: [...usePlaygroundStore.getState().draft.images, image] });
  }
}
