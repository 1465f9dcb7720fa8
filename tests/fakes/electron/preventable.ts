export interface PreventableEvent {
  readonly defaultPrevented: boolean;
  preventDefault(): void;
}

/** An event of Electron's that listeners may prevent the default of. */
export function preventable<Details extends object>(details?: Details): PreventableEvent & Details {
  let isPrevented = false;
  return Object.defineProperties({ ...details } as PreventableEvent & Details, {
    defaultPrevented: { get: () => isPrevented },
    preventDefault: {
      value: () => {
        isPrevented = true;
      },
    },
  });
}
