import { CopyButton } from '../../components/copy-button.tsx';
import { Button } from '../../components/button.tsx';
import { useAppStore } from '../../store/app-store.ts';
import { navigate } from '../../store/navigate.ts';
import styles from './first-steps.module.css';

/** Shown as long as nothing but the demo is there: from nothing to an answer in three steps. */
export function FirstSteps() {
  const snapshot = useAppStore((state) => state.snapshot);
  const isNew = snapshot?.pools.length === 0 && snapshot.models.every(({ isDemo }) => isDemo);
  if (!isNew) return null;
  const { engine, instance } = snapshot;
  return (
    <section className={styles['steps']} aria-labelledby="first-steps">
      <h2 id="first-steps">From here to your own models</h2>
      <ol>
        <li data-done={engine.status === 'ready'}>
          <strong>llama-server</strong>
          <span>
            {engine.status === 'ready'
              ? `Found: ${engine.build.id}`
              : engine.status === 'missing'
                ? engine.hint
                : 'Corral finds or fetches it when the first model needs it.'}
          </span>
        </li>
        <li>
          <strong>A model</strong>
          <span>The demo below always answers the same. Add a GGUF file of your own.</span>
          <Button kind="primary" onClick={() => navigate('catalog')}>
            Add a model
          </Button>
        </li>
        <li>
          <strong>Your chat program</strong>
          <span>
            Give it the address <code>{instance.address}/v1</code>
            <CopyButton text={`${instance.address}/v1`} label="Copy the address for chat programs" />
          </span>
          <Button onClick={() => navigate('connect')}>How, for each program</Button>
        </li>
      </ol>
    </section>
  );
}
