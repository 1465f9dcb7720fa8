import { classifyHost, type AddressClass } from './address-class.ts';

/**
 * Where a download may be sent on to. Pure.
 *
 * | target                | allowed                                                       | token |
 * | --------------------- | ------------------------------------------------------------- | ----- |
 * | the origin itself     | always                                                        | yes   |
 * | https elsewhere       | unless its address is private, loopback or link-local         | no    |
 * | http elsewhere        | only from an origin that is http itself                       | no    |
 * | private or loopback   | only from an origin on this machine, or private likewise      | no    |
 * | link-local            | never: that is where clouds keep the credentials of a machine | no    |
 */

export type RedirectDecision =
  { readonly isAllowed: true; readonly isOrigin: boolean } | { readonly isAllowed: false; readonly reason: string };

export function decideRedirect(target: URL, origin: URL): RedirectDecision {
  if (target.origin === origin.origin) return { isAllowed: true, isOrigin: true };
  if (target.protocol !== 'https:' && !(target.protocol === 'http:' && origin.protocol === 'http:')) {
    return refuse(target, 'which is not encrypted');
  }
  if (target.username !== '' || target.password !== '') return refuse(target, 'with a password in it');
  const addressClass = classifyHost(target.hostname);
  if (addressClass !== undefined && !isClassAllowed(addressClass, origin)) {
    return refuse(target, 'an address within a private network');
  }
  return { isAllowed: true, isOrigin: false };
}

/** Also for what a name turns out to mean. */
export function isClassAllowed(found: AddressClass, origin: URL): boolean {
  if (found === 'public') return true;
  if (found === 'link-local') return false;
  const own = classifyHost(origin.hostname);
  return own === 'loopback' || (own === 'private' && found === 'private');
}

function refuse(target: URL, why: string): RedirectDecision {
  return { isAllowed: false, reason: `it sends the download on to ${target.protocol}//${target.host}, ${why}` };
}
