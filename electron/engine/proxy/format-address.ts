/** `http://127.0.0.1:5526`, `http://[::1]:5526`; wildcard binds are shown by an address that can be connected to. */
export function formatAddress(host: string, port: number): string {
  const shown = host === '0.0.0.0' || host === 'localhost' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}
