/**
 * One SSH connection, from its first byte to its end: a key that is invited, then one session in a terminal, and nothing
 * else. What is asked beyond that is refused and told (beyond.ts); what is not even listened for, ssh2 refuses by itself.
 */
import type { Socket } from 'node:net';
import type { AuthContext, Connection, PublicKeyAuthContext, ServerChannel, Session } from 'ssh2';
import { z } from 'zod';
import type { Size } from '#protocol/shapes.ts';
import { refuseOfConnection, refuseOfSession } from './beyond.ts';
import { Guest } from './guest.ts';
import type { HostDoor } from './guest-client.ts';
import { fingerprintOf, publicKeyOf } from './host-key.ts';
import type { Guest as Invited } from './wire.ts';

/** From the first byte to a proved key, and from there to a terminal, milliseconds. */
const LOGIN_MS = 20_000;
/** Keys and other ways that one connection may try: agents offer several. */
const MAX_TRIES = 8;
/** How long a connection that was ended may take to close, milliseconds. */
const CLOSE_MS = 1_000;
/** Received and not read by us above which nobody honest is at the other end, bytes: twice what the channel's window allows. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;
/** Smallest packet that a client may ask for, bytes; RFC 4253 has every client take 32768. Less would only cost us. */
const MIN_PACKET_BYTES = 1024;

export type SshConnectionOptions = {
  connection: Connection;
  socket: Socket;
  address: string;
  door: HostDoor;
  /** The invite by which `user` may come in with `key`, now; null if there is none. */
  invited(user: string, key: PublicKeyAuthContext['key']): Invited | null;
  /** A key was proved; false where no more guests are let in. */
  proved(): boolean;
  /** A guest asked for what there is not: what sort of thing, and which. */
  refused(invite: string, sort: string, asked: string): void;
  /** It is over; `tried` is what was tried if nothing was proved. */
  closed(tried: { user: string | null; keys: ReadonlySet<string> } | null): void;
};

export class SshConnection {
  readonly #options: SshConnectionOptions;
  readonly #keys = new Set<string>();
  #user: string | null = null;
  #tries = 0;
  #invited: Invited | null = null;
  #key = '';
  #session: Session | null = null;
  #guest: Guest | null = null;
  #timer: NodeJS.Timeout;

  constructor(options: SshConnectionOptions) {
    this.#options = options;
    const { connection, socket } = options;
    this.#timer = setTimeout(() => socket.destroy(), LOGIN_MS);
    connection.on('error', () => this.#end()); // not SSH, broken, or silent for too long: its end follows
    connection.on('authentication', (attempt: AuthContext) => this.#authenticate(attempt));
    connection.on('ready', () => this.#ready());
    connection.on('session', (accept, reject) => {
      if (this.#session) {
        this.#beyond('a second session over its connection');
        return reject();
      }
      this.#session = accept();
      this.#serve(this.#session);
    });
    refuseOfConnection(connection, this.#beyond);
    socket.on('close', () => {
      clearTimeout(this.#timer);
      this.#guest?.end('the connection is gone');
      options.closed(this.#invited ? null : { user: this.#user, keys: this.#keys });
    });
  }

  /** The invite by which this guest is here; null for a stranger. */
  get invite(): string | null {
    return this.#invited?.invite ?? null;
  }

  /** Out, at once, with a sentence where there is a terminal to show it. */
  end(sentence: string): void {
    if (this.#guest) this.#guest.end(sentence);
    else this.#end();
  }

  #authenticate(attempt: AuthContext): void {
    this.#user = attempt.username;
    const refuse = () => attempt.reject(['publickey']);
    if (attempt.method === 'none') return refuse(); // how clients ask what there is
    if (++this.#tries > MAX_TRIES) return this.#end();
    if (attempt.method !== 'publickey') return refuse();
    this.#keys.add(fingerprintOf(attempt.key.data));
    const invited = this.#options.invited(attempt.username, attempt.key);
    if (!invited) return refuse();
    if (!attempt.signature) return attempt.accept(); // the client asks whether it is worth signing
    if (!isProved(attempt, invited) || this.#invited || !this.#options.proved()) return refuse();
    this.#invited = invited;
    this.#key = fingerprintOf(attempt.key.data);
    attempt.accept();
  }

  #ready(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end(), LOGIN_MS);
  }

  #beyond = (sort: string, asked?: string): void => {
    if (this.#invited) this.#options.refused(this.#invited.invite, sort, asked === undefined ? sort : `${sort}: ${asked}`);
  };

  #serve(session: Session): void {
    refuseOfSession(session, this.#beyond);
    let size: Size | null = null;
    session.on('pty', (accept, _reject, asked) => {
      size = sizeOf(asked);
      accept?.();
    });
    session.on('window-change', (accept, _reject, asked) => {
      size = sizeOf(asked);
      this.#guest?.resized(size);
      accept?.();
    });
    session.on('shell', (accept, reject) => {
      const invited = this.#invited;
      if (!invited || this.#guest) return reject?.();
      clearTimeout(this.#timer);
      const channel: ServerChannel = accept();
      if (!takesPackets(channel)) return void this.#options.socket.destroy();
      if (!size) {
        channel.stderr.write('cmdop: this shows a session, which needs a terminal: use ssh -t\r\n');
        channel.exit(1);
        channel.end();
        return this.#endSoon();
      }
      const { door, socket, address } = this.#options;
      socket.on('data', () => {
        if (channel.readableLength > MAX_UNREAD_BYTES) socket.destroy();
      });
      this.#guest = new Guest({ door, invited, key: this.#key, from: address, channel, socket, size, over: () => this.#endSoon() });
    });
  }

  #end(): void {
    this.#endSoon();
    this.#options.connection.end();
  }

  /** The client has what it needs to close by itself, as after any shell. */
  #endSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#options.socket.destroy(), CLOSE_MS);
  }
}

/** Whether the signature over what this very connection agreed on was made with the invited key. */
function isProved({ key, signature, blob, hashAlgo }: PublicKeyAuthContext, invited: Invited): boolean {
  const known = publicKeyOf(invited.key);
  if (!known || !signature || !blob || known.type !== key.algo || !known.getPublicSSH().equals(key.data)) return false;
  // RSA with SHA-1 proves nothing any more.
  if (known.type === 'ssh-rsa' && hashAlgo === undefined) return false;
  return known.verify(blob, signature, hashAlgo) === true;
}

const cells = z.coerce.number().int().min(1).max(2000);
const asked = z.object({ cols: cells.catch(80), rows: cells.catch(24) });

/** Within what a terminal can have; a window that does not know its size says 0. */
const sizeOf = (given: unknown): Size => asked.parse(given);

const outgoing = z.object({ outgoing: z.object({ packetSize: z.number().min(MIN_PACKET_BYTES) }) });
/** ssh2 would write for ever to who takes packets of 0 bytes. */
const takesPackets = (channel: unknown): boolean => outgoing.safeParse(channel).success;
