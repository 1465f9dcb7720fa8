import { Gauge, type Registry } from 'prom-client';
import type { PoolView } from '#shared/contract/snapshot.ts';

/** What Prometheus sees of servers elsewhere; read when it asks. */
export function addPoolMetrics(registry: Registry, readPools: () => readonly PoolView[]): void {
  const perEndpoint = (name: string, help: string, read: (endpoint: PoolView['endpoints'][number]) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['pool', 'endpoint'] as const,
      registers: [registry],
      collect() {
        this.reset();
        for (const pool of readPools()) {
          for (const endpoint of pool.endpoints) this.set({ pool: pool.name, endpoint: endpoint.url }, read(endpoint));
        }
      },
    });
  };
  perEndpoint('corral_pool_endpoint_up', '1 while an endpoint of a pool can be used.', ({ health }) =>
    health === 'healthy' ? 1 : 0,
  );
  perEndpoint(
    'corral_pool_endpoint_requests_running',
    'Requests an endpoint of a pool answers.',
    ({ activeRequests }) => activeRequests,
  );
  new Gauge({
    name: 'corral_pool_queue_depth',
    help: 'Requests that wait for an endpoint of a pool.',
    labelNames: ['pool'] as const,
    registers: [registry],
    collect() {
      this.reset();
      for (const { name: pool, waitingRequests } of readPools()) this.set({ pool }, waitingRequests);
    },
  });
}
