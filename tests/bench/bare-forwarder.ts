import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';

/**
 * The least that Node can do: takes a request whole, sends it on with undici, sends the answer back as it comes. No
 * routes, no model, no guards, no records. What Corral costs is measured against this.
 */
const upstreamOrigin = process.argv[2] ?? '';
const pool = new Pool(upstreamOrigin, { connections: null, pipelining: 1 });
const notForwarded = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive']);

const server = http.createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const headers: string[] = [];
    for (let index = 0; index < request.rawHeaders.length; index += 2) {
      const name = request.rawHeaders[index] ?? '';
      if (!notForwarded.has(name.toLowerCase())) headers.push(name, request.rawHeaders[index + 1] ?? '');
    }
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    pool.dispatch(
      { path: request.url ?? '/', method: request.method ?? 'GET', headers, body },
      {
        onRequestStart(controller) {
          response.on('drain', () => controller.resume());
          response.on('close', () => {
            if (!response.writableFinished) controller.abort(new Error('The client went away.'));
          });
        },
        onResponseStart(_controller, status, answerHeaders) {
          for (const name of notForwarded) if (name !== 'content-length') Reflect.deleteProperty(answerHeaders, name);
          response.writeHead(status, answerHeaders);
          response.flushHeaders();
        },
        onResponseData(controller, chunk) {
          if (!response.write(chunk)) controller.pause();
        },
        onResponseEnd: () => void response.end(),
        onResponseError: () => void response.destroy(),
      },
    );
  });
});
server.keepAliveTimeout = 65_000;
server.listen(0, '127.0.0.1', () => console.log(`LISTENING ${(server.address() as AddressInfo).port}`));
