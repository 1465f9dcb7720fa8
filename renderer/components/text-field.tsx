import type { ComponentPropsWithRef } from 'react';
import styles from './text-field.module.css';

/** A line to type into. It has no label of its own: give it one. */
export function TextField({ className = '', ...rest }: ComponentPropsWithRef<'input'>) {
  return (
    <input
      type="text"
      autoComplete="off"
      spellCheck={false}
      className={`${styles['field'] ?? ''} ${className}`}
      {...rest}
    />
  );
}
