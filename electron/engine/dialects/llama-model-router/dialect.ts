import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerLater, sendJson, sendText } from '../answers.ts';
import type { Dialect, DialectCall, DialectHost } from '../dialect.ts';

const FAMILY = 'llama-model-router';

/** Lists are as fresh as if they were asked for each time, without a client's clicks reaching every server. */
const LIST_MAX_AGE_MS = 2000;

/** The routes of llama-model-router (its README, "Endpoints"); chat completions are Corral's own. */
export const llamaModelRouterDialect: Dialect = {
  name: FAMILY,
  create: (host) => ({
    family: FAMILY,
    answer: (request, response, call) => answer(host, request, response, call),
    startupLine: (address) => `listening on ${address}`,
  }),
};

function answer(host: DialectHost, request: IncomingMessage, response: ServerResponse, call: DialectCall): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  if (call.pathname === '/health') {
    sendText(response, 200, 'ok');
    return true;
  }
  if (call.pathname !== '/v1/models') return false;
  answerLater(response, FAMILY, async () => {
    const local = host.modelIds(call.lane).map((id) => ({ id, object: 'model', created: 0, owned_by: 'corral' }));
    const pooled = (await host.pooledModels(call.lane, LIST_MAX_AGE_MS))
      .filter(({ id }) => !local.some((model) => model.id === id))
      // As the server that has it lists it, so that `owned_by` is that server's.
      .map(({ id, poolName, listed }) => ({ object: 'model', created: 0, owned_by: poolName, ...listed, id }));
    sendJson(response, 200, { object: 'list', data: [...local, ...pooled] });
  });
  return true;
}
