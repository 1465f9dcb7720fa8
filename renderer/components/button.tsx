import type { ComponentPropsWithRef } from 'react';
import styles from './button.module.css';

export type ButtonKind = 'normal' | 'primary' | 'quiet' | 'trouble';

export interface ButtonProps extends Omit<ComponentPropsWithRef<'button'>, 'type'> {
  readonly kind?: ButtonKind;
  readonly type?: 'button' | 'submit';
}

export function Button({ kind = 'normal', type = 'button', className = '', ...rest }: ButtonProps) {
  return <button type={type} className={`${styles['button'] ?? ''} ${styles[kind] ?? ''} ${className}`} {...rest} />;
}
