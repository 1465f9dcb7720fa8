import type { ModelView } from '#shared/contract/snapshot.ts';
import { AlertTriangle } from 'lucide-react';
import { Button } from '../../components/button.tsx';
import { navigate } from '../../store/navigate.ts';
import styles from './model-problem.module.css';

/** Why a model does not run, in plain words, with its log one click away; and what Corral warns of. */
export function ModelProblem({ model }: { readonly model: ModelView }) {
  const { problem, warnings, id } = model;
  if (problem === null && warnings.length === 0) return null;
  return (
    <div
      className={styles['card']}
      data-kind={problem === null ? 'warning' : 'problem'}
      role={problem === null ? undefined : 'alert'}
    >
      <AlertTriangle size={15} aria-hidden />
      <div className={styles['text']}>
        {problem === null ? null : <p>{problem.message}</p>}
        {warnings.map((warning) => (
          <p key={warning}>{warning}</p>
        ))}
      </div>
      {problem === null ? null : (
        <Button aria-label={`Logs of ${id}`} onClick={() => navigate('logs', id)}>
          Logs
        </Button>
      )}
    </div>
  );
}
