import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Express } from 'express';
import { describe, expect, it } from 'vitest';
import { commandNames } from '#shared/contract/commands.ts';
import { openApiDocument } from '../../../electron/api/openapi.ts';
import { createProxyApp } from '../../../electron/engine/proxy/proxy-app.ts';
import { inferenceRoutes } from '../../../electron/engine/proxy/routes.ts';

const written = new URL('../../../docs/openapi.json', import.meta.url);
const document = openApiDocument();

/** The paths that Express has a route for, as it writes them. */
function routePaths(app: Express): string[] {
  return app.router.stack.flatMap(({ route }) => (route === undefined ? [] : [route.path]));
}

describe('the OpenAPI description', () => {
  it('is the one in docs/openapi.json', async () => {
    const text = await readFile(written, 'utf8');
    expect(JSON.parse(text), 'out of date: run `npm run docs`').toEqual(JSON.parse(JSON.stringify(document)));
  });

  it('refers to nothing that is not there, and has nothing that nobody refers to', () => {
    const text = JSON.stringify(document);
    const referred = new Set([...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target));
    const there = Object.keys(document.components.schemas).map((id) => `#/components/schemas/${id}`);
    expect([...referred].sort()).toEqual(there.sort());
  });

  it('has schemas that a validator takes', () => {
    const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
    ajv.addVocabulary(['components']);
    ajv.addSchema({ $id: 'corral', components: document.components });
    for (const id of Object.keys(document.components.schemas)) {
      expect(ajv.getSchema(`corral#/components/schemas/${id}`), id).toBeTypeOf('function');
    }
  });

  it('has every command, and an operation of its own name for each', () => {
    for (const name of commandNames) expect(document.paths).toHaveProperty([`/control/commands/${name}`, 'post']);
    const ids = Object.values(document.paths).flatMap((path) => Object.values(path).map((each) => each.operationId));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has every route of Corral’s own that is served beside the control API', () => {
    const app = createProxyApp({
      logger: { log: () => undefined },
      guardPolicy: () => ({ allowedHosts: [], allowedOrigins: [], apiKeys: [], isKeyDemanded: false }),
      resolveModel: () => undefined,
      listModels: () => [],
      isShuttingDown: () => false,
      renderMetrics: () => Promise.resolve({ contentType: 'text/plain', text: '' }),
      instanceId: 'corral',
      mounts: [],
    });
    const passedOn = new Set(inferenceRoutes.map(({ path }) => path));
    const own = routePaths(app).filter((path) => !passedOn.has(path));
    expect(own).toContain('/v1/models');
    const described = Object.keys(document.paths).filter((path) => !path.startsWith('/control/'));
    expect([...new Set(own)].map((path) => path.replace(/\*(\w+)/, '{$1}')).sort()).toEqual(described.sort());
  });
});
