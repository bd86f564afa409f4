/** What a turn writes to an SSH connection leaves together, in order, and nothing is held beyond the turn. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sendByTurn } from '../../main/remote/ssh/send-by-turn.ts';

let server: Server;
let socket: Socket;
let received: string[];
let isOver: Promise<unknown>;

beforeEach(async () => {
  const own: string[] = [];
  received = own;
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const accepted = once(server, 'connection');
  const plain = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1');
  await once(plain, 'connect');
  socket = sendByTurn(plain);
  const [other]: Socket[] = await accepted;
  other?.setEncoding('utf8').on('data', (text: string) => {
    own.push(text);
  });
  isOver = other ? once(other, 'end') : Promise.reject(new Error('nobody connected'));
});
afterEach(() => {
  socket.destroy();
  server.close();
});

test('waits for the end of the turn, then nothing is left to send', async () => {
  for (const part of ['length', 'body', 'seal']) socket.write(part);
  expect(socket.writableLength).toBe('lengthbodyseal'.length);
  await new Promise((resolve) => socket.write('', resolve));
  expect(socket.writableLength).toBe(0);
});

test('arrives in order, turn after turn, also what was written right before the end', async () => {
  socket.write('a');
  socket.write('b');
  await new Promise((resolve) => setImmediate(resolve));
  socket.write('c');
  socket.end('d');
  await isOver;
  expect(received.join('')).toBe('abcd');
});
