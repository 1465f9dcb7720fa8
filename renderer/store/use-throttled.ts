import { useEffect, useRef, useState } from 'react';

/** A value that changes at most once in `intervalMs`: the first change at once, the newest of those that follow later. */
export function useThrottled<Value>(value: Value, intervalMs: number): Value {
  const [shown, setShown] = useState(value);
  const lastAt = useRef(Number.NEGATIVE_INFINITY);
  useEffect(() => {
    const timer = setTimeout(
      () => {
        lastAt.current = performance.now();
        setShown(value);
      },
      Math.max(0, lastAt.current + intervalMs - performance.now()),
    );
    return () => clearTimeout(timer);
  }, [value, intervalMs]);
  return shown;
}
