import { createContext, useContext } from 'react';
import type { Bridge } from '#shared/contract/bridge.ts';
import type { DesktopBridge } from '../bridge/ipc-bridge.ts';
import type { ModelActions } from './model-actions.ts';

export interface EngineContextValue {
  readonly bridge: Bridge;
  /** Undefined in a browser. */
  readonly desktop: DesktopBridge | undefined;
  readonly actions: ModelActions;
}

export const EngineContext = createContext<EngineContextValue | undefined>(undefined);

/** The engine as components use it. Below `App` it is always there. */
export function useEngine(): EngineContextValue {
  const value = useContext(EngineContext);
  if (value === undefined) throw new Error('useEngine is used outside of App.');
  return value;
}
