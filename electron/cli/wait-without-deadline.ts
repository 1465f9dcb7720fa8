/**
 * Lets calls wait for their answer as long as it takes. Node's `fetch` gives up after five minutes
 * (https://undici.nodejs.org/#/docs/api/Client, headersTimeout); a large model may load for longer, and so may a request
 * that an eject waits for. Loaded only by the verbs that wait, since it doubles the time they take to start.
 */
export async function waitWithoutDeadline(): Promise<void> {
  const { Agent, setGlobalDispatcher } = await import('undici');
  setGlobalDispatcher(new Agent({ headersTimeout: 0, bodyTimeout: 0 }));
}
