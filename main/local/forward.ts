/**
 * A port of a session, opened on this machine: each TCP connection to it is one to the program there, through the protocol's
 * own streams. It lasts as long as the session and whoever opened it; while the host is away connections are refused.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { CmdopClient } from '#client/cmdop-client.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { EventParams } from '#protocol/messages.ts';
import { MAX_STREAMS } from '#session/byte-streams.ts';
import { cutSocket, joinSocket } from './socket-stream.ts';

/** The only addresses that are listened on: what is forwarded is for this machine. */
const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];
/** Connections at a time; more wait. Some streams are left for others of the same client. */
const MAX_CONNECTIONS = MAX_STREAMS - 32;
/** That wait; more are refused. */
const MAX_WAITING = 1024;

export type ForwardOptions = {
  client: CmdopClient;
  /** As a person names it; afterwards the session's id. */
  session: string;
  /** Over there. */
  port: number;
  /** Here; without one the same, or any other where that one is taken. */
  localPort?: number | undefined;
  /** A loopback address, 127.0.0.1 by default. */
  address?: string | undefined;
  /** See `ports.forward`. */
  any?: boolean | undefined;
  /** Byte counts or the number of connections are different now. */
  changed?: () => void;
  /** Over, by itself, with why. */
  ended?: (error: CmdopError) => void;
};

export class Forward {
  readonly #options: ForwardOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiting: Socket[] = [];
  #session: string;
  #sessionName = '';
  /** At the host; another one after each reconnect. */
  #forward: Promise<number>;
  #isClosed = false;
  #received = 0;
  #sent = 0;

  private constructor(options: ForwardOptions, server: Server, opened: { forward: number; session: string; sessionName: string }) {
    this.#options = options;
    this.#server = server;
    this.#session = opened.session;
    this.#sessionName = opened.sessionName;
    this.#forward = Promise.resolve(opened.forward);
    server.on('connection', (socket) => this.#accepted(socket));
    server.on('error', (error) =>
      this.#end(new CmdopError('internal', `port ${this.localPort} cannot be listened on any more: ${error.message}`)),
    );
  }

  /** Throws what the host forbids, and `bad-request` where the local port cannot be had. */
  static async open(options: ForwardOptions): Promise<Forward> {
    const { client, session, port, any = false, address = LOOPBACK[0] } = options;
    if (!address || !LOOPBACK.includes(address)) {
      throw new CmdopError('bad-request', `${address} is not of this machine alone: forwards are bound to ${LOOPBACK.join(', ')}`);
    }
    const opened = await client.request('ports.forward', { session, port, any });
    try {
      return new Forward(options, await listen(options, address), opened);
    } catch (error) {
      client.request('ports.close', { forward: opened.forward }).catch(() => {}); // gone with the link
      throw error;
    }
  }

  get localPort(): number {
    const address = this.#server.address();
    return address && typeof address !== 'string' ? address.port : 0;
  }
  /** `127.0.0.1:8080` */
  get address(): string {
    const address = this.#server.address();
    if (!address || typeof address === 'string') return '';
    return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
  }
  get port(): number {
    return this.#options.port;
  }
  get session(): string {
    return this.#session;
  }
  get sessionName(): string {
    return this.#sessionName;
  }
  /** Bytes that came from the program, that went to it, and how many connections there are. */
  get counts(): { received: number; sent: number; connections: number } {
    return { received: this.#received, sent: this.#sent, connections: this.#sockets.size };
  }

  /** The host says that a forward of this client has ended. */
  async closedByHost({ forward, message, code = 'forward-not-found' }: EventParams<'ports.closed'>): Promise<void> {
    const own = await this.#forward.catch(() => null); // a link that broke has none
    if (own === forward) this.#end(CmdopError.from({ code, message }));
  }

  close(): void {
    this.#forward.then((forward) => this.#options.client.request('ports.close', { forward })).catch(() => {}); // gone with the link
    this.#stop();
  }

  #end(error: CmdopError): void {
    if (this.#isClosed) return;
    this.#stop();
    this.#options.ended?.(error);
  }

  #stop(): void {
    this.#isClosed = true;
    this.#server.close();
    for (const socket of [...this.#sockets, ...this.#waiting.splice(0)]) cutSocket(socket);
  }

  #accepted(socket: Socket): void {
    socket.on('error', () => {}); // its stream tells
    if (this.#sockets.size < MAX_CONNECTIONS) void this.#join(socket);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(socket);
    else cutSocket(socket);
  }

  async #join(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    this.#options.changed?.();
    const over = () => {
      if (!this.#sockets.delete(socket)) return;
      this.#options.changed?.();
      const next = this.#waiting.shift();
      if (next) void this.#join(next);
    };
    socket.once('close', over);
    try {
      const stream = await this.#connect();
      if (socket.destroyed) {
        stream.reset('the connection was closed');
        return;
      }
      joinSocket(stream, socket, {
        received: (bytes) => {
          this.#received += bytes;
          this.#options.changed?.();
        },
        sent: (bytes) => {
          this.#sent += bytes;
          this.#options.changed?.();
        },
      });
    } catch (error) {
      cutSocket(socket);
      over();
      if (error instanceof CmdopError && ENDS.has(error.code)) this.#end(error);
    }
  }

  /** A stream to the program; after a reconnect the right to it is asked for anew. */
  async #connect() {
    const { client } = this.#options;
    const used = this.#forward;
    try {
      return (await client.openStream('ports.connect', { forward: await used })).stream;
    } catch (error) {
      const isOld = !(error instanceof CmdopError) || error.code === 'forward-not-found' || error.code === 'disconnected';
      if (!isOld || this.#isClosed) throw error;
      if (this.#forward === used) this.#forward = this.#reopen();
      return (await client.openStream('ports.connect', { forward: await this.#forward })).stream;
    }
  }

  async #reopen(): Promise<number> {
    const { client, port, any = false } = this.#options;
    return (await client.request('ports.forward', { session: this.#session, port, any })).forward;
  }
}

/** Errors after which nobody can connect any more. */
const ENDS = new Set(['session-ended', 'session-not-found', 'observer', 'kicked', 'not-owner', 'policy', 'rejected', 'unauthorized']);

/** The same port if it is free, else any, unless one was asked for. */
async function listen({ port, localPort }: ForwardOptions, address: string): Promise<Server> {
  try {
    return await listenOn(localPort ?? port, address);
  } catch (error) {
    if (localPort === undefined) return listenOn(0, address);
    const reason =
      error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' ? 'it is in use' : String((error as Error).message);
    throw new CmdopError('bad-request', `port ${localPort} here cannot be opened: ${reason}; choose another, or leave it out`);
  }
}

function listenOn(port: number, host: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}
