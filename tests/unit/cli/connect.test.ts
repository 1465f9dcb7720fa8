import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serialiseError, AppError } from '#shared/contract/errors.ts';
import { connect, isNotRunning } from '../../../electron/cli/connect.ts';
import { writeInstanceFile } from '../../../electron/engine/config/instance-file.ts';
import { snapshotOf } from '../../fakes/views.ts';

describe('connect', () => {
  let folder: string;
  let server: Server | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'corral-test-'));
  });

  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
    server = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  async function listen(status: number, body: unknown): Promise<void> {
    server = createServer((request, response) => {
      const isRight = request.headers.authorization === 'Bearer secret';
      response.writeHead(isRight ? status : 403, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    await record((server.address() as AddressInfo).port);
  }

  async function record(port: number): Promise<void> {
    const address = `http://127.0.0.1:${port}`;
    await writeInstanceFile(folder, { pid: process.pid, address, token: 'secret', startedAt: 1 });
  }

  async function failure(): Promise<unknown> {
    try {
      const bridge = await connect(folder);
      await bridge.call('get-snapshot', {});
    } catch (thrown) {
      return thrown;
    }
    throw new Error('it did not fail');
  }

  it('calls the instance on record with its token', async () => {
    await listen(200, snapshotOf());
    const bridge = await connect(folder);
    expect(await bridge.call('get-snapshot', {})).toEqual(snapshotOf());
    bridge.close();
  });

  it('says that Corral is not running if there is no record', async () => {
    const error = await failure();
    expect(isNotRunning(error)).toBe(true);
    expect((error as AppError).message).toBe(
      `Corral is not running (data folder ${folder}). Start it with \`corral serve --data-dir ${folder}\`.`,
    );
  });

  it('says so if the record is left over and nobody listens', async () => {
    await listen(200, {});
    await new Promise((resolve) => server?.close(resolve));
    expect(isNotRunning(await failure())).toBe(true);
  });

  it('says so if another Corral has the port by now', async () => {
    await listen(401, { error: serialiseError(new AppError('unauthorized', 'Wrong token.')) });
    expect(isNotRunning(await failure())).toBe(true);
  });

  it('hands the errors of the engine on as they are', async () => {
    await listen(404, { error: serialiseError(new AppError('not-found', 'There is no model "x".')) });
    const error = await failure();
    expect(isNotRunning(error)).toBe(false);
    expect(error).toMatchObject({ code: 'not-found', message: 'There is no model "x".' });
  });

  it('ends with the reason of the signal', async () => {
    await listen(200, snapshotOf());
    const bridge = await connect(folder);
    const reason = new AppError('cancelled', 'Interrupted.');
    await expect(bridge.call('get-snapshot', {}, AbortSignal.abort(reason))).rejects.toBe(reason);
    bridge.close();
  });

  it('refuses a record that is damaged', async () => {
    await writeFile(path.join(folder, 'instance.json'), '{');
    expect(await failure()).toMatchObject({ code: 'conflict' });
  });
});
