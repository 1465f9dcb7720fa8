import { afterEach, beforeAll, beforeEach } from 'vitest';
import { createTestFolder, eventually, type TestCorral } from '../../integration/support/corral.ts';
import { ensureRealLlamaServer } from '../../integration/support/real-llama-server.ts';
import { startClientCorral } from './client-models.ts';

export interface ClientTest<Client> {
  /** Of the test that runs. */
  readonly corral: TestCorral;
  readonly client: Client;
  /** Waits until a model's slots are free, with Corral and with its llama-server. */
  slotsFreed(model: string): Promise<void>;
}

/** For a whole file: Corral with the clients' models on a real llama-server, and a client of it, new for each test. */
export function useClientCorral<Client>(connect: (corral: TestCorral) => Client): ClientTest<Client> {
  let llamaServer = '';
  let running: { readonly corral: TestCorral; readonly client: Client } | undefined;
  const present = (): { readonly corral: TestCorral; readonly client: Client } => {
    if (running === undefined) throw new Error('there is a Corral only while a test runs');
    return running;
  };

  beforeAll(async () => {
    llamaServer = await ensureRealLlamaServer();
  });
  beforeEach(async () => {
    const corral = await startClientCorral(await createTestFolder(), llamaServer);
    running = { corral, client: connect(corral) };
  });
  afterEach(async () => {
    await running?.corral.stop();
    running = undefined;
  });

  return {
    get corral() {
      return present().corral;
    },
    get client() {
      return present().client;
    },
    async slotsFreed(model) {
      const { corral } = present();
      await eventually('Corral lets go', () => corral.model(model).activeRequests === 0, 1000);
      await eventually('llama-server lets go', async () => {
        const answer = await fetch(`${corral.address}/slots?model=${model}`);
        const slots = (await answer.json()) as { is_processing: boolean }[];
        return slots.every((slot) => !slot.is_processing);
      });
    },
  };
}
