/** One address that guests connect to: who is heard, and what happens to everyone else. */
import { createServer, type Socket, type Server as TcpServer } from 'node:net';
import ssh2, { type Algorithms, type Connection, type PublicKeyAuthContext } from 'ssh2';
import { VERSION } from '#local/version.ts';
import type { Doorkeeper } from './doorkeeper.ts';
import type { HostDoor } from './guest-client.ts';
import { type HostKey, publicKeyOf } from './host-key.ts';
import { SshConnection } from './ssh-connection.ts';
import { TurnedAway } from './turned-away.ts';
import type { Guest, Report } from './wire.ts';

/** A peer must say that it speaks SSH within this, milliseconds. */
const FIRST_WORDS_MS = 10_000;
/** An address that is taken is tried again this often, milliseconds: a host that starts again finds the last one's. */
const AGAIN_MS = 2_000;
/** What is read of who has to wait: a piece more than this many bytes, or two pieces. */
const MAX_HELD = { bytes: 1024, pieces: 2 };
/** What was turned away is told this much later, milliseconds, and not more often than this. */
const TELL_MS = { after: 1_000, every: 10_000 };

/** Modern ones only, and none that costs us more than the peer. */
const ALGORITHMS: Algorithms = {
  kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256'],
  cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes256-ctr'],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
};

export type ListenerOptions = {
  id: string;
  address: string;
  port: number;
  hostKey: HostKey;
  door: HostDoor;
  doorkeeper: Doorkeeper;
  guests(): readonly Guest[];
  /** It listens now, or cannot. */
  changed(): void;
  report(refused: Extract<Report, { is: 'refused' }>): void;
  /** Of a guest who is in. */
  refused(invite: string, sort: string, asked: string): void;
};

export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: TcpServer;
  readonly #ssh: InstanceType<typeof ssh2.Server>;
  readonly #connections = new Set<SshConnection>();
  readonly #turnedAway: TurnedAway;
  /** Of sockets whose first words are awaited: ssh2 names a connection only then. */
  readonly #heard = new Map<string, { stranger: Stranger; settle: (connection: SshConnection) => void }>();
  #again: NodeJS.Timeout | null = null;
  #telling: NodeJS.Timeout | null = null;
  #problem: string | null = null;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#turnedAway = new TurnedAway(options.id);
    this.#ssh = new ssh2.Server(
      {
        hostKeys: [options.hostKey.privateKey],
        ident: `cmdop_${VERSION}`,
        algorithms: ALGORITHMS,
        keepaliveInterval: 15_000,
        keepaliveCountMax: 3,
      },
      (connection, { ip, port }) => this.#greeted(connection, `${ip} ${port}`),
    );
    this.#server = createServer({ noDelay: true }, (socket) => this.#connected(socket));
    this.#server.on('listening', () => {
      this.#problem = null;
      options.changed();
    });
    this.#server.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#server.listening) return console.error('a guest could not connect:', error); // no room for the socket
      const why = error.code === 'EADDRINUSE' ? 'it is in use' : error.code === 'EACCES' ? 'only root may' : error.message;
      this.#problem = `SSH guests cannot come in at ${options.address} port ${options.port}: ${why}`;
      options.changed();
      if (error.code === 'EADDRINUSE') this.#again = setTimeout(() => this.#listen(), AGAIN_MS);
    });
    this.#listen();
  }

  get id(): string {
    return this.#options.id;
  }
  get state(): Extract<Report, { is: 'state' }>['listeners'][number] {
    const address = this.#server.address();
    return { id: this.id, port: address && typeof address !== 'string' ? address.port : null, problem: this.#problem };
  }

  /** Who is not invited any more is out at once. */
  guestsChanged(): void {
    const open = new Set(this.#options.guests().map(({ invite }) => invite));
    for (const connection of this.#connections)
      if (connection.invite !== null && !open.has(connection.invite)) connection.end('your invite holds no more: ask whoever invited you');
  }

  close(sentence: string): void {
    if (this.#again) clearTimeout(this.#again);
    this.#tell();
    this.#server.close();
    for (const connection of this.#connections) connection.end(sentence);
    for (const { stranger } of this.#heard.values()) stranger.socket.destroy();
  }

  #listen(): void {
    const { address, port } = this.#options;
    this.#server.listen({ host: address, port, exclusive: true });
  }

  #connected(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const place = `${address} ${socket.remotePort}`;
    const stranger = new Stranger(socket, address);
    let connection: SshConnection | null = null;
    const timer = setTimeout(() => socket.destroy(), FIRST_WORDS_MS);
    this.#heard.set(place, {
      stranger,
      settle: (greeted) => {
        connection = greeted;
        clearTimeout(timer);
      },
    });
    socket.on('error', () => {}); // ssh2 hears of it, and the close follows
    socket.on('close', () => {
      clearTimeout(timer);
      this.#heard.delete(place);
      if (connection === null) this.#strangerLeft(stranger, null);
    });
    const hearAgain = holdBack(socket);
    this.#options.doorkeeper.came(stranger, address, () => {
      if (socket.destroyed || socket.readableEnded) return; // its close is on the way
      hearAgain();
      this.#ssh.injectSocket(socket);
    });
  }

  /** It speaks SSH. */
  #greeted(ssh: Connection, place: string): void {
    const heard = this.#heard.get(place);
    if (!heard) return void ssh.end();
    this.#heard.delete(place);
    const { door, doorkeeper } = this.#options;
    const { stranger } = heard;
    let isGuest = false;
    const connection = new SshConnection({
      connection: ssh,
      socket: stranger.socket,
      address: stranger.address,
      door,
      invited: (user, key) => this.#invited(user, key),
      proved: () => {
        isGuest = doorkeeper.proved(stranger);
        return isGuest;
      },
      refused: this.#options.refused,
      closed: (tried) => {
        this.#connections.delete(connection);
        if (isGuest) doorkeeper.guestLeft();
        else this.#strangerLeft(stranger, tried);
      },
    });
    heard.settle(connection);
    this.#connections.add(connection);
  }

  #invited(user: string, key: PublicKeyAuthContext['key']): Guest | null {
    // The newest invite of a key counts: it may have been given another role.
    return (
      this.#options
        .guests()
        .findLast((guest) => guest.users.includes(user) && publicKeyOf(guest.key)?.getPublicSSH().equals(key.data) === true) ?? null
    );
  }

  #strangerLeft(stranger: Stranger, tried: { user: string | null; keys: ReadonlySet<string> } | null): void {
    const now = performance.now();
    const { address, madeRoom } = stranger;
    this.#options.doorkeeper.left(stranger);
    if (madeRoom) this.#turnedAway.unheard(address, now);
    else this.#turnedAway.unproved({ address, keys: tried?.keys ?? [], user: tried?.user ?? null }, now);
    this.#tellSoon();
  }

  #tellSoon(): void {
    const waitMs = Math.max(TELL_MS.after, this.#toldAt + TELL_MS.every - performance.now());
    this.#telling ??= setTimeout(() => this.#tell(), waitMs);
  }

  #tell(): void {
    if (this.#telling) clearTimeout(this.#telling);
    this.#telling = null;
    if (this.#turnedAway.isEmpty) return;
    this.#toldAt = performance.now();
    this.#options.report(this.#turnedAway.take(performance.now()));
  }
}

/** Who has proved nothing yet. */
class Stranger {
  readonly socket: Socket;
  readonly address: string;
  /** Others needed its place. */
  madeRoom = false;

  constructor(socket: Socket, address: string) {
    this.socket = socket;
    this.address = address;
  }

  close(): void {
    this.madeRoom = true;
    this.socket.resetAndDestroy();
  }
}

/** What comes waits for whoever reads once the answer is called; meanwhile it is read a little, so that an end is seen. */
function holdBack(socket: Socket): () => void {
  const held: Buffer[] = [];
  const hold = (bytes: Buffer) => {
    if (held.push(bytes) >= MAX_HELD.pieces || bytes.length > MAX_HELD.bytes) socket.pause();
  };
  socket.on('data', hold);
  return () => {
    socket.off('data', hold).pause();
    if (held.length > 0) socket.unshift(Buffer.concat(held));
  };
}
