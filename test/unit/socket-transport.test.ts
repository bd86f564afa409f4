/** A transport over a real socket: what goes together, what stays in order, and what still arrives at the end. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { connectSocket, socketTransport } from '#local/socket-transport.ts';
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
  const host = socketTransport(accepted);
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

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

test('an echo goes at once, and what else is said in that turn at its end, which counts as queued until then', async () => {
  const { host, reads, closed } = await joined();
  host.send(Buffer.from('echo '));
  expect(host.queuedBytes).toBe(0);
  host.sendSoon?.(Buffer.from('verdict, '), Buffer.from('news '));
  host.sendSoon?.(Buffer.from('and answer'));
  expect(host.queuedBytes).toBe('verdict, news and answer'.length);
  await expect.poll(() => reads.map(text).join('')).toBe('echo verdict, news and answer');
  expect(host.queuedBytes).toBe(0);
  host.close();
  await closed;
});

test('what would go at the end of the turn goes before an echo that follows it, and with it', async () => {
  const { host, reads, closed } = await joined();
  host.sendSoon?.(Buffer.from('verdict, '));
  host.send(Buffer.from('echo'));
  host.close();
  await closed;
  expect(reads.map(text)).toEqual(['verdict, echo']);
});

test('large, small and awaited pieces keep their order, and nothing is lost by closing in the same turn', async () => {
  const { host, reads, closed } = await joined();
  const large = 'x'.repeat(300_000);
  let isHeld = true;
  host.sendSoon?.(Buffer.from('1'));
  host.sendSoon?.(Buffer.from(large));
  host.sendSoon?.(Buffer.from('2'));
  host.sendThen?.(() => {
    isHeld = false;
  }, Buffer.from('3'));
  host.sendSoon?.(Buffer.from('4'));
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
