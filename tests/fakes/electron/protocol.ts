import type { CustomScheme, Protocol } from 'electron';
import { hasSchemeHandler, setSchemeHandler, type SchemeHandler } from './scheme-server.ts';

const privileged = new Set<string>();

export const protocol = {
  registerSchemesAsPrivileged(schemes: CustomScheme[]) {
    for (const { scheme } of schemes) privileged.add(scheme);
  },
  handle(scheme: string, handler: SchemeHandler) {
    // Without these privileges a page of the scheme has no origin, and this stand-in gives every page one.
    if (!privileged.has(scheme)) throw new Error(`The stand-in serves only privileged schemes; ${scheme} is not one.`);
    if (hasSchemeHandler(scheme)) throw new Error(`Failed to register protocol: ${scheme}`);
    setSchemeHandler(scheme, handler);
  },
  unhandle: (scheme: string) => setSchemeHandler(scheme, undefined),
  isProtocolHandled: hasSchemeHandler,
} satisfies Pick<Protocol, 'registerSchemesAsPrivileged' | 'handle' | 'unhandle' | 'isProtocolHandled'>;
