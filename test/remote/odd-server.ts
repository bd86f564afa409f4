/** SSH servers in this process that do what a real sshd would not be made to do in a test. */
import { spawn } from 'node:child_process';
import { createServer, type Server as TcpServer } from 'node:net';
import ssh2, { type AuthContext, type Connection, type ServerConfig } from 'ssh2';

const { Server } = ssh2;
/** One for all: nobody is told apart by it here. */
const HOST_KEY = ssh2.utils.generateKeyPairSync('ed25519');

/** What a known_hosts file has of the server on `port`. */
export const oddHostLine = (port: number): string => `[127.0.0.1]:${port} ${HOST_KEY.public.split(' ').slice(0, 2).join(' ')}`;

export type OddServer = {
  readonly port: number;
  /** Of the connections so far. */
  readonly connections: Connection[];
  dispose(): Promise<void>;
};

type Behaviour = {
  readonly config?: Partial<ServerConfig>;
  authenticate(attempt: AuthContext, connection: Connection): void;
  opened?(connection: Connection): void;
};

/** Listens on loopback. */
export function startOddServer({ config = {}, authenticate, opened }: Behaviour): Promise<OddServer> {
  const connections: Connection[] = [];
  const server = new Server({ hostKeys: [HOST_KEY.private], ...config }, (connection) => {
    connections.push(connection);
    connection.on('error', () => {
      // the client hung up, which is its right
    });
    connection.on('authentication', (attempt) => authenticate(attempt, connection));
    opened?.(connection);
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address ? address.port : 0,
        connections,
        dispose: () =>
          new Promise((done) => {
            for (const connection of connections) connection.end();
            server.close(() => done());
          }),
      });
    });
  });
}

/**
 * For `opened`: runs programs as sshd does, on a machine with this environment. Sockets it does not give, so that a bridge
 * carries the bytes.
 */
export const runningPrograms = (env: Readonly<Record<string, string>>) => (connection: Connection) => {
  connection.on('session', (acceptSession) => {
    acceptSession().on('exec', (accept, _reject, { command }) => {
      const channel = accept();
      const child = spawn('/bin/sh', ['-c', command], { env, cwd: env.HOME });
      child.stdin.on('error', () => {}); // it ended before it read all
      channel.pipe(child.stdin);
      child.stdout.pipe(channel, { end: false });
      child.stderr.pipe(channel.stderr, { end: false });
      child.on('close', (code) => {
        channel.exit(code ?? 1);
        channel.end();
      });
      channel.on('close', () => child.kill());
    });
  });
};

/** Says `bytes` to whoever connects, then does nothing, or hangs up. */
export function startTalker(bytes: Uint8Array | string, { hangsUp = false } = {}): Promise<{ port: number; dispose(): Promise<void> }> {
  const server: TcpServer = createServer((socket) => {
    socket.on('error', () => {
      // the client hung up, which is its right
    });
    if (hangsUp) socket.end(bytes);
    else socket.write(bytes);
    sockets.add(socket);
  });
  const sockets = new Set<{ destroy(): unknown }>();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address ? address.port : 0,
        dispose: () =>
          new Promise((done) => {
            for (const socket of sockets) socket.destroy();
            server.close(() => done());
          }),
      });
    });
  });
}
