/** A transport over a real socket: what goes together, what stays in order, and what still arrives at the end. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { connectSocket, servedTransport, socketTransport } from '#local/socket-transport.ts';
import type { Transport } from '#protocol/transport.ts';

const folder = mkdtempSync(join(tmpdir(), 'cmdop-transport-'));
const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
  rmSync(folder, { recursive: true, force: true });
});

/** Both ends of one connection; `reads` are the pieces in which the client's end got them. */
async function joined(): Promise<{ host: Transport; reads: Uint8Array[]; closed: Promise<void> }> {
  const path = join(mkdtempSync(join(tmpdir(), 'cmdop-transport-')), 'socket');
  const server = createServer();
  server.listen(path);
  await once(server, 'listening');
  const reached = once(server, 'connection');
  const socket = connectSocket(path);
  await once(socket, 'connect');
  const [accepted] = (await reached) as [Socket];
  const host = servedTransport(accepted);
  const client = socketTransport(socket);
  const reads: Uint8Array[] = [];
  const closed = new Promise<void>((resolve) => {
    client.listen({ received: (bytes) => reads.push(bytes), drained: () => {}, closed: () => resolve() });
  });
  host.listen({ received: () => {}, drained: () => {}, closed: () => {} });
  ends.push(() => {
    client.close();
    host.close();
    server.close();
    rmSync(join(path, '..'), { recursive: true, force: true });
  });
  return { host, reads, closed };
}

test('what a host says in one turn comes in one piece, and counts as queued until then', async () => {
  const { host, reads, closed } = await joined();
  host.send(Buffer.from('echo '), Buffer.from('and '));
  host.send(Buffer.from('verdict'));
  expect(host.queuedBytes).toBe('echo and verdict'.length);
  await new Promise((resolve) => setImmediate(resolve));
  expect(host.queuedBytes).toBe(0);
  host.close();
  await closed;
  expect(reads.map((bytes) => Buffer.from(bytes).toString())).toEqual(['echo and verdict']);
});

test('large, small and awaited pieces keep their order, and nothing is lost by closing in the same turn', async () => {
  const { host, reads, closed } = await joined();
  const large = 'x'.repeat(300_000);
  let isHeld = true;
  host.send(Buffer.from('1'));
  host.send(Buffer.from(large));
  host.send(Buffer.from('2'));
  host.sendThen?.(() => {
    isHeld = false;
  }, Buffer.from('3'));
  host.send(Buffer.from('4'));
  host.close();
  host.send(Buffer.from('too late'));
  await closed;
  expect(Buffer.concat(reads).toString()).toBe(`1${large}234`);
  expect(isHeld).toBe(false);
});

test('bytes that were read stay what they were, however many come after them', async () => {
  const { host, reads, closed } = await joined();
  const sent = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, at) => (at * 31) % 251));
  for (let at = 0; at < sent.length; at += 7_919) host.send(sent.subarray(at, at + 7_919));
  host.close();
  await closed;
  expect(Buffer.concat(reads).equals(sent)).toBe(true);
});
