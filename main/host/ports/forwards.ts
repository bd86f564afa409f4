/**
 * Forwards: which ports a connection may reach, and its TCP connections to them. A forward is a right that ends with the
 * session, with the connection, and with the role that gave it; what runs over it ends in the same turn.
 */
import type { Socket } from 'node:net';
import { connectTcp, joinSocket } from '#local/socket-stream.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { ByteStream } from '#session/byte-stream.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { Journal } from '../journal/journal.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import type { PortWatch } from './port-watch.ts';

/** Of one connection. */
const MAX_FORWARDS = 64;
/** A port was found at most this long ago when somebody connects to it, milliseconds: `lsof` takes its time, /proc none. */
const AGE_MS = process.platform === 'linux' ? 0 : 1_000;
/** A program that listens answers at once, or its queue is full; milliseconds. */
const CONNECT_MS = 10_000;
/** Where any program of the machine is reached. */
const LOOPBACK = ['127.0.0.1', '::1'];

export type ForwardsOptions = {
  journal: Journal;
  ports: Pick<PortWatch, 'look' | 'reachableAt'>;
};

type Forward = {
  readonly id: number;
  readonly connection: ClientConnection;
  readonly session: LiveSession;
  readonly port: number;
  readonly any: boolean;
  readonly streams: Set<ByteStream>;
  /** From the program, and to it. */
  bytes: { from: number; to: number };
  connections: number;
};

export class Forwards {
  readonly #options: ForwardsOptions;
  readonly #byConnection = new Map<ClientConnection, Map<number, Forward>>();
  #nextId = 1;

  constructor(options: ForwardsOptions) {
    this.#options = options;
  }

  /** Throws what forbids it. */
  async open(connection: ClientConnection, session: LiveSession, { port, any }: { port: number; any: boolean }): Promise<number> {
    mustForward(connection, session, any);
    const forwards = this.#byConnection.get(connection) ?? new Map<number, Forward>();
    if (forwards.size >= MAX_FORWARDS) throw new CmdopError('stream-limit', `${MAX_FORWARDS} ports are forwarded already: close one first`);
    if (!any) await this.#addresses(session, port);
    mustForward(connection, session, any);
    if (connection.isClosed) throw new CmdopError('disconnected', 'the client has gone');
    const forward = {
      id: this.#nextId++,
      connection,
      session,
      port,
      any,
      streams: new Set<ByteStream>(),
      bytes: { from: 0, to: 0 },
      connections: 0,
    };
    forwards.set(forward.id, forward);
    this.#byConnection.set(connection, forwards);
    this.#record(forward, { is: 'opened', ...(any ? { any } : {}) });
    return forward.id;
  }

  /** Nothing is sent before `begin`: the answer goes first. Throws `forward-not-found`, `port-not-found`, and what forbids it. */
  async connect(connection: ClientConnection, id: number): Promise<{ stream: ByteStream; begin: () => void }> {
    const forward = this.#byConnection.get(connection)?.get(id);
    if (!forward) throw new CmdopError('forward-not-found', `this client has no forward ${id}: it has ended`);
    const { session, port, any } = forward;
    mustForward(connection, session, any);
    const socket = await connectTo(any ? LOOPBACK : await this.#addresses(session, port), port);
    // Meanwhile it may have ended.
    if (!this.#byConnection.get(connection)?.has(id)) {
      socket.destroy();
      throw new CmdopError('forward-not-found', `the forward of port ${port} has ended`);
    }
    let stream: ByteStream;
    try {
      stream = connection.streams.open();
    } catch (error) {
      socket.destroy();
      throw error;
    }
    forward.streams.add(stream);
    forward.connections++;
    const begin = () =>
      joinSocket(stream, socket, {
        sent: (bytes) => {
          forward.bytes.from += bytes;
        },
        received: (bytes) => {
          forward.bytes.to += bytes;
        },
        closed: () => forward.streams.delete(stream),
      });
    return { stream, begin };
  }

  close(connection: ClientConnection, id: number): void {
    const forward = this.#byConnection.get(connection)?.get(id);
    if (forward) this.#end(forward, 'the forward was closed');
  }

  closed(connection: ClientConnection): void {
    for (const forward of [...(this.#byConnection.get(connection)?.values() ?? [])]) this.#end(forward, 'the client has gone');
    this.#byConnection.delete(connection);
  }

  /** Who may act in it may be different now, or it has ended. */
  changed(session: LiveSession): void {
    for (const forwards of this.#byConnection.values()) {
      for (const forward of [...forwards.values()]) {
        if (forward.session.id !== session.id) continue;
        const why = whatForbids(forward);
        if (why === null) continue;
        this.#end(forward, why.message);
        forward.connection.event('ports.closed', { forward: forward.id, message: why.message, code: why.code });
      }
    }
  }

  /** Where the session answers, and nobody else: others may have taken the port since it was forwarded. Throws `port-not-found`. */
  async #addresses(session: LiveSession, port: number): Promise<readonly string[]> {
    const { ports } = this.#options;
    const addresses = (await ports.reachableAt(session, port, AGE_MS)) ?? (await ports.reachableAt(session, port));
    if (!addresses) {
      const others = (await ports.look(session, AGE_MS)).map((each) => each.port).join(', ');
      throw new CmdopError(
        'port-not-found',
        `nothing of ${session.name} listens on port ${port}${others ? `; it listens on ${others}` : ''}: start it there, or ask for any process's port with --any`,
      );
    }
    if (addresses.length > 0) return addresses;
    throw new CmdopError(
      'port-not-found',
      `another program listens on port ${port} too, and would answer instead of ${session.name}: end that one, or let ${session.name} listen on another port`,
    );
  }

  #end(forward: Forward, why: string): void {
    this.#byConnection.get(forward.connection)?.delete(forward.id);
    for (const stream of [...forward.streams]) stream.reset(why);
    const { bytes, connections } = forward;
    this.#record(forward, { is: 'closed', connections, bytesFrom: bytes.from, bytesTo: bytes.to });
  }

  #record({ connection, session, port }: Forward, payload: Record<string, unknown>): void {
    const { actor } = connection.who;
    this.#options.journal.append({
      session: session.id,
      actor: actor.id,
      interface: actor.interface,
      kind: 'forward',
      outputOffset: session.output.end,
      payload: { port, ...payload },
    });
  }
}

/** Throws `session-ended`, and what a role forbids. */
function mustForward(connection: ClientConnection, session: LiveSession, any: boolean): void {
  const { actor } = connection.who;
  session.roles.mustAct(actor, session.control.agentsPaused);
  if (any) session.roles.mustOwn(actor);
  if (!session.isRunning) throw new CmdopError('session-ended', `${session.name} has ended, and nothing of it listens any more`);
}

function whatForbids({ connection, session, any }: Forward): CmdopError | null {
  const { closedWith } = connection.streams;
  if (closedWith) return closedWith;
  try {
    mustForward(connection, session, any);
    return null;
  } catch (error) {
    if (!(error instanceof CmdopError)) throw error;
    return error;
  }
}

/** To the first address that takes it. Throws `port-not-found`. */
async function connectTo(addresses: readonly string[], port: number): Promise<Socket> {
  let failure = 'no address is known for it';
  for (const host of addresses) {
    try {
      return await connectTcp({ host, port }, CONNECT_MS);
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
  }
  throw new CmdopError('port-not-found', `port ${port} takes no connection: ${failure}`);
}
