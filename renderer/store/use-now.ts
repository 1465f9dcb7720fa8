import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';

/** The wall-clock time, renewed every `intervalMs`, for ages on screen. */
export function useNow(intervalMs = 1000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), intervalMs);
    return () => clearInterval(timer);
  }, [intervalMs]);
  return now;
}

/** A text that depends on the time. All of them are looked at together once a second, and drawn only when they change. */
export function useTimedText(compute: (now: number) => string): string {
  const read = useCallback(() => compute(lastTick), [compute]);
  return useSyncExternalStore(subscribeToTicks, read);
}

const listeners = new Set<() => void>();
let lastTick = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function tick(): void {
  lastTick = Date.now();
  for (const listener of listeners) listener();
}

function subscribeToTicks(listener: () => void): () => void {
  if (listeners.size === 0) {
    lastTick = Date.now();
    timer = setInterval(tick, 1000);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) clearInterval(timer);
  };
}
