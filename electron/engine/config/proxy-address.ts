import { isLoopbackHost, withoutBrackets } from './schema-fields.ts';

/** Where a command with an address of its own answers, as its `proxy` says it. */
export interface ProxyAddress {
  readonly host: string;
  readonly port: number;
  /** Goes in front of every route; empty, or begins with a slash and ends without one. */
  readonly basePath: string;
}

/** Takes what the schema has passed. */
export function parseProxyAddress(proxy: string): ProxyAddress {
  const { hostname, port, pathname } = new URL(proxy);
  return {
    host: withoutBrackets(hostname),
    port: port === '' ? 80 : Number(port),
    basePath: pathname.replace(/\/+$/, ''),
  };
}

/** Equal for two addresses that only one server at a time can have. */
export function proxyKey(proxy: string): string {
  const { host, port } = parseProxyAddress(proxy);
  const isHere = isLoopbackHost(host) || host === '0.0.0.0' || host === '::';
  return `${isHere ? 'loopback' : host}:${port}`;
}
