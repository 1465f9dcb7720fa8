import type { ModelState } from '#shared/model/model-state.ts';
import styles from './state-dot.module.css';

/** A model's state as a shape, so that it can be told without colours: hollow, half, full, a mark. */
export function StateDot({ state, colour }: { readonly state: ModelState; readonly colour: number }) {
  return <ShapeDot shape={shapes[state]} colour={dotColour(state, colour)} />;
}

export type DotShape = 'hollow' | 'half' | 'full' | 'mark';

/** `colour` is one of CSS. */
export function ShapeDot({ shape, colour }: { readonly shape: DotShape; readonly colour: string }) {
  return (
    <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden className={styles[shape]} style={{ color: colour }}>
      <circle
        cx="6"
        cy="6"
        r="4.5"
        fill={shape === 'full' ? 'currentColor' : 'none'}
        stroke="currentColor"
        strokeWidth="1.6"
      />
      {shape === 'half' ? <path d="M6 1.5a4.5 4.5 0 0 1 0 9z" fill="currentColor" /> : null}
      {shape === 'mark' ? (
        <path d="M6 3.4v3.2M6 8.4v.3" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" />
      ) : null}
    </svg>
  );
}

const shapes = {
  off: 'hollow',
  starting: 'half',
  loading: 'half',
  ready: 'full',
  draining: 'half',
  stopping: 'half',
  crashed: 'mark',
  failed: 'mark',
} as const satisfies Record<ModelState, DotShape>;

function dotColour(state: ModelState, colour: number): string {
  if (state === 'failed' || state === 'crashed') return 'var(--trouble)';
  return state === 'off' ? 'var(--line-strong)' : `var(--model-${colour})`;
}
