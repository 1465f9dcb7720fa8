import { useId } from 'react';
import styles from './chat-parameters.module.css';
import { parameterProblem } from './conversation.ts';
import { setChatSettings, usePlaygroundStore } from './playground-store.ts';

const numbers = [
  { name: 'temperature', label: 'Temperature' },
  { name: 'topP', label: 'Top p' },
  { name: 'maxTokens', label: 'Most tokens' },
] as const;

/** What goes along with every message. Empty means what the model's server does by itself. */
export function ChatParameters() {
  const settings = usePlaygroundStore((state) => state.settings);
  const id = useId();
  return (
    <section className={styles['parameters']} aria-label="Parameters">
      <label className={styles['system']}>
        System prompt
        <textarea
          rows={2}
          value={settings.systemPrompt}
          onChange={({ target }) => setChatSettings({ systemPrompt: target.value })}
        />
      </label>
      {numbers.map(({ name, label }) => {
        const problem = parameterProblem(name, settings[name]);
        return (
          <label key={name}>
            {label}
            <input
              inputMode="decimal"
              placeholder="model’s own"
              value={settings[name]}
              aria-invalid={problem !== undefined}
              aria-describedby={`${id}-${name}`}
              onChange={({ target }) => setChatSettings({ [name]: target.value })}
            />
            <span id={`${id}-${name}`} className={styles['problem']}>
              {problem}
            </span>
          </label>
        );
      })}
    </section>
  );
}
