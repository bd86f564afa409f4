/** A server for browsers whose answers fail: each failure ends one connection, and no more. */
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { answerRequests } from '../../main/host/web/web-requests.ts';

let server: Server;
let url: string;
beforeEach(async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {}); // the host's log
  server = createServer();
  answerRequests(server, {
    request({ pathname }, response) {
      if (pathname === '/begun') response.writeHead(200).write('the first half');
      if (pathname !== '/fine') throw new Error(`no answer to ${pathname}`);
      response.end('fine');
    },
    upgrade({ pathname }) {
      throw new Error(`no socket at ${pathname}`);
    },
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  vi.restoreAllMocks();
  server.closeAllConnections();
  server.close();
});

test('an answer that fails before it has begun is a sentence, and the next one is given', async () => {
  const failed = await fetch(`${url}/lost`);
  expect(failed.status).toBe(500);
  expect(await failed.text()).toContain('its log says why');
  expect(console.error).toHaveBeenCalledWith(expect.any(String), expect.objectContaining({ message: 'no answer to /lost' }));
  expect(await (await fetch(`${url}/fine`)).text()).toBe('fine');
});

test('one that fails in its midst is cut off', async () => {
  await expect(fetch(`${url}/begun`).then((answer) => answer.text())).rejects.toThrow();
  expect((await fetch(`${url}/fine`)).status).toBe(200);
});

test('a WebSocket that fails is hung up on', async () => {
  const code = await new Promise((failed) => {
    const headers = { connection: 'upgrade', upgrade: 'websocket' };
    request(`${url}/ws`, { headers })
      .on('error', (error: NodeJS.ErrnoException) => failed(error.code))
      .end();
  });
  expect(code).toBe('ECONNRESET');
  expect((await fetch(`${url}/fine`)).status).toBe(200);
});
