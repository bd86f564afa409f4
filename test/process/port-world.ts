/** What tests of ports work with: servers that run in a session, and forwards of them on this machine. */
import { get } from 'node:http';
import { connect, createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { Forward, type ForwardOptions } from '#local/forward.ts';
import { nodePath } from '#local/runtime.ts';
import type { ListeningPort } from '#protocol/ports.ts';
import type { Person } from './engine.ts';

/**
 * A server in a session: `body` is the source of what it does with each `socket` (net) or `request, response` (http); `at`: an
 * address, or how else it listens.
 */
export function serverCommand(kind: 'net' | 'http', body: string, at: string | ListenOptions = '127.0.0.1'): string[] {
  const make =
    kind === 'net'
      ? `net.createServer({ allowHalfOpen: true }, (socket) => { socket.on('error', () => {}); ${body} })`
      : `http.createServer((request, response) => { ${body} })`;
  const source = `const net = require('net'), http = require('http'), crypto = require('crypto');
    const server = ${make};
    server.listen(${JSON.stringify({ port: 0, ...(typeof at === 'string' ? { host: at } : at) })}, () => console.log('http://localhost:' + server.address().port + '/hello'));`;
  return [nodePath(), '-e', source];
}

/** Starts a session whose program is a server, and waits until it listens. */
export async function serve(person: Person, name: string, command: readonly string[]): Promise<ListeningPort> {
  await person.client.request('session.create', { name, command: [...command], cwd: '/' });
  const view = person.attach(name);
  await view.until(/:\d+\/hello/);
  const { ports } = await person.client.request('ports.list', { session: name });
  const [port] = ports;
  if (!port) throw new Error('it said that it listens, and no port is there');
  return port;
}

export async function forward(person: Person, options: Omit<ForwardOptions, 'client'>): Promise<Forward> {
  const opened = await Forward.open({ client: person.client, ...options });
  person.hearers.push((event) => {
    if (event.event === 'ports.closed') void opened.closedByHost(event.params);
  });
  return opened;
}

export const socketTo = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });

/** A program that is no session's and says `other` to whoever comes; rejects where the address is in use. */
export function startOther(at: ListenOptions): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => {}).end('other')); // cut by who did not want it
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, () => resolve(server));
  });
}

/** Everything that comes until its end; rejects with an error of the socket. */
export function readAll(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  return new Promise((resolve, reject) => {
    socket.on('data', (bytes: Buffer) => parts.push(bytes));
    socket.on('end', () => resolve(Buffer.concat(parts)));
    socket.on('error', reject);
  });
}

export function fetchBody(port: number, path = '/'): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = get({ port, path, host: '127.0.0.1', agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (bytes: Buffer) => parts.push(bytes));
      response.on('end', () => resolve(Buffer.concat(parts)));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}

/** Resolves when it is cut, or nothing more comes through it. */
export function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => {}); // a cut is what is waited for
    socket.once('end', () => resolve());
    socket.once('close', () => resolve());
    socket.resume();
  });
}
