import { useId } from 'react';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { CopyButton } from '../../components/copy-button.tsx';
import { Button } from '../../components/button.tsx';
import { navigate } from '../../store/navigate.ts';
import styles from './connection-fields.module.css';

export interface ConnectionFieldsProps {
  readonly address: string;
  readonly models: readonly ModelView[];
  readonly model: string;
  onModel(model: string): void;
  readonly lanes: readonly string[];
  readonly isLaneKnown: boolean;
  /** What the user typed; it stays in this window. */
  readonly apiKey: string;
  onApiKey(key: string): void;
}

/** The three things every program asks for. */
export function ConnectionFields(props: ConnectionFieldsProps) {
  const { address, models, model, onModel, lanes, isLaneKnown, apiKey, onApiKey } = props;
  const id = useId();
  return (
    <section className={styles['fields']} aria-label="What every program asks for">
      <div className={styles['field']}>
        <span className={styles['label']}>Address</span>
        <span className={styles['value']}>
          <code>{address}/v1</code>
          <CopyButton text={`${address}/v1`} label="Copy the base address" />
        </span>
      </div>
      <div className={styles['field']}>
        <label className={styles['label']} htmlFor={`${id}-model`}>
          Model
        </label>
        <span className={styles['value']}>
          <select id={`${id}-model`} value={model} onChange={(event) => onModel(event.target.value)}>
            {models.map((each) => (
              <option key={each.id} value={each.id}>
                {each.id}
              </option>
            ))}
          </select>
          <CopyButton text={model} label="Copy the model’s id" />
        </span>
      </div>
      <div className={styles['field']}>
        <label className={styles['label']} htmlFor={`${id}-key`}>
          Key
        </label>
        <input
          id={`${id}-key`}
          type="password"
          autoComplete="off"
          spellCheck={false}
          placeholder={lanes.length === 0 ? 'any text' : 'paste it here'}
          value={apiKey}
          aria-describedby={`${id}-hint`}
          onChange={(event) => onApiKey(event.target.value)}
        />
      </div>
      <p id={`${id}-hint`} className={styles['hint']}>
        {describeKeys(lanes, isLaneKnown)}{' '}
        {lanes.length === 0 ? null : (
          <Button kind="quiet" onClick={() => navigate('settings', 'server.apiKeys')}>
            Keys in the settings
          </Button>
        )}
      </p>
    </section>
  );
}

function describeKeys(lanes: readonly string[], isLaneKnown: boolean): string {
  if (!isLaneKnown) return 'Reading which keys are configured…';
  if (lanes.length === 0) {
    return 'No keys are configured: on this computer Corral takes any text. Most programs insist on one all the same.';
  }
  const names = lanes.length === 1 ? `the key of ${lanes.join()}` : `one of these: ${lanes.join(', ')}`;
  return `Keys are configured. Paste ${names}. It stays in this window and fills in what is below; Corral shows no key it has stored.`;
}
