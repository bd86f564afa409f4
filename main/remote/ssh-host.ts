/**
 * A host over SSH: one link to it in this process, shared by every stream, closed when none is left. A stream is a
 * channel to the host's socket, or where the server forbids that, a bridge.
 */
import { pipeTransport } from '#local/socket-transport.ts';
import { CmdopError, isRefusal } from '#protocol/errors.ts';
import type { Origin } from '#protocol/shapes.ts';
import type { Transport } from '#protocol/transport.ts';
import type { Asker } from './asker.ts';
import { type BridgeProgram, bridgeTransport, noHost } from './bridge-stream.ts';
import { CarriedTransport } from './carried-transport.ts';
import { loginCommand, RUN_CMDOP } from './login-shell.ts';
import { type Place, readPlace } from './place.ts';
import type { RemoteProgram, SshLink } from './ssh/link.ts';
import { openSshLink } from './ssh-link.ts';

/** An unused link stays so long, milliseconds: a command that asks twice logs in once. */
const LINGER_MS = 5_000;
/**
 * A link that is open already and silent for so long though it was asked, milliseconds, is dead, and another is made. An
 * answer takes two round trips, and another login may ask a person.
 */
const ANSWER_MS = 4_000;

export type SshOptions = {
  readonly ask: Asker;
  readonly configFile?: string | undefined;
  /** Ends the making of a link, also for others who wait for it: they try again. */
  readonly signal?: AbortSignal | undefined;
};

/** By what a person wrote: two names of one machine are two links. */
const hosts = new Map<string, Promise<SshHost>>();
/** Where the host of each machine was found last: a link that comes back need not start a program there to ask again. */
const places = new Map<string, Place>();

/** A stream to the machine's host. Throws `host-unreachable`, `unauthorized`, `not-installed`. */
export async function openOverSsh(name: string, { start, ...options }: SshOptions & { start: boolean }): Promise<Transport> {
  return withSshHost(name, options, (host) => host.open(start));
}

/** A stream to a socket of the machine, that the account there may open. Throws as `openOverSsh`. */
export async function openSocketOverSsh(name: string, socket: string, options: SshOptions): Promise<Transport> {
  return withSshHost(name, options, (host) => host.openSocket(socket));
}

/** Does `work` with the link to a machine; with a fresh one where the open one turns out to be dead. */
export async function withSshHost<T>(name: string, options: SshOptions, work: (host: SshHost) => Promise<T>): Promise<T> {
  const known = hosts.get(name);
  if (known) {
    const host = await known.catch((error: unknown) => {
      if (error instanceof CmdopError && isRefusal(error)) throw error; // who said no to another stream is not asked for this one
      return null;
    });
    if (host && (await host.answers())) return host.using(() => work(host));
    if (hosts.get(name) === known) hosts.delete(name);
    host?.abandon();
  }
  const host = await (hosts.get(name) ?? opened(name, options));
  return host.using(() => work(host));
}

function opened(name: string, { ask, configFile, signal }: SshOptions): Promise<SshHost> {
  const target = { host: name, ask, ...(configFile === undefined ? {} : { configFile }), ...(signal ? { signal } : {}) };
  const opening = openSshLink(target).then((link) => {
    const host = new SshHost(name, link);
    signal?.removeEventListener('abort', forget);
    link.onClosed(forget);
    return host;
  });
  const forget = () => {
    if (hosts.get(name) === opening) hosts.delete(name);
  };
  hosts.set(name, opening);
  opening.catch(forget); // who asked is told
  signal?.addEventListener('abort', forget);
  return opening;
}

export class SshHost {
  readonly name: string;
  readonly link: SshLink;
  /** Where this link comes from, as the server sees it; undefined until it was asked. */
  #from: string | undefined;
  /** The server forbids channels to sockets. */
  #isBridgeOnly = false;
  #users = 0;
  #linger: NodeJS.Timeout | null = null;
  #isClosed = false;
  /** It did not answer in time: nothing new goes over it. */
  #isAbandoned = false;

  constructor(name: string, link: SshLink) {
    this.name = name;
    this.link = link;
    link.onClosed(() => {
      this.#isClosed = true;
    });
  }

  /** Keeps the link open while `work` is at it. */
  async using<T>(work: () => Promise<T>): Promise<T> {
    this.#use();
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async open(start: boolean): Promise<Transport> {
    if (!this.#isBridgeOnly) {
      const known = places.get(this.name);
      const transport = (known && (await this.#stream(known))) ?? (await this.#freshStream(start));
      if (transport) return transport;
      this.#isBridgeOnly = true;
    }
    const program = await this.#cmdop('bridge', ...(start ? [] : ['--no-start']));
    return this.#counted(await bridgeTransport(program, { kind: 'ssh', host: this.name }), null);
  }

  /** As `open`, to a socket that is somebody else's. */
  async openSocket(socket: string): Promise<Transport> {
    const stream = this.#isBridgeOnly ? null : await this.#streamTo(socket);
    if (stream) return stream;
    const program = await this.#cmdop('bridge', '--socket', socket);
    return this.#counted(await bridgeTransport(program, { kind: 'ssh', host: this.name }), null);
  }

  /** Where the machine's host is; it is started if `start`. Null where the account may only run a bridge. */
  async where(start: boolean): Promise<Place | null> {
    const program = await this.#cmdop('bridge', '--where', ...(start ? [] : ['--no-start']));
    const place = await readPlace(program, this.name);
    if (place) {
      places.set(this.name, place);
      this.#from = place.origin.from;
    }
    return place;
  }

  /** Runs a program of the account there, as `loginCommand` made it. */
  exec(command: string): Promise<RemoteProgram> {
    return this.link.exec(command);
  }

  /** False if the link is closed, or does not answer: then it will not. */
  async answers(): Promise<boolean> {
    if (this.#isClosed) return false;
    const askedAt = performance.now();
    let timer: NodeJS.Timeout | null = null;
    const silence = new Promise<false>((resolve) => {
      // A link that is full of what others send answers late, and is not dead.
      const look = () => {
        const quietMs = Math.min(this.link.silentMs(), performance.now() - askedAt);
        if (quietMs >= ANSWER_MS) resolve(false);
        else timer = setTimeout(look, ANSWER_MS - quietMs);
      };
      look();
    });
    const echo = this.link.exec(loginCommand('exit 0')).then(
      ({ stream, stderr }) => {
        stream.on('error', () => {}).resume(); // that it started is all that is asked
        stream.end();
        stderr.resume();
        return true;
      },
      () => false,
    );
    const isThere = await Promise.race([echo, silence]);
    if (timer) clearTimeout(timer);
    return isThere;
  }

  /** Closed now or with its last stream: a line that is only full still carries those. */
  abandon(): void {
    this.#isAbandoned = true;
    if (this.#users === 0) this.close();
  }

  close(): void {
    if (this.#linger) clearTimeout(this.#linger);
    this.#isClosed = true;
    this.link.close();
  }

  async #freshStream(start: boolean): Promise<Transport | null> {
    const place = await this.where(start);
    if (!place) return null;
    if (!place.isRunning) throw noHost(this.name);
    return this.#stream(place);
  }

  /** Null where the socket is not there, or may not be reached. */
  #stream({ socket }: Place): Promise<Transport | null> {
    return this.#streamTo(socket);
  }

  async #streamTo(socket: string): Promise<Transport | null> {
    try {
      const stream = await this.link.streamLocal(socket);
      return this.#counted(pipeTransport(stream, stream, 'ssh'), this.#origin);
    } catch {
      if (this.#isClosed) throw new CmdopError('host-unreachable', `${this.name}: the SSH connection broke`);
      return null; // why is not told reliably; what comes next shows it
    }
  }

  async #cmdop(...args: string[]): Promise<BridgeProgram> {
    const { stream, stderr, exited } = await this.link.exec(loginCommand(RUN_CMDOP, args));
    return { stdin: stream, stdout: stream, stderr, exited };
  }

  /** As far as this side knows it: an address only from the server, and not that of an earlier link, which may be another. */
  get #origin(): Origin {
    const { user, proof } = this.link.login;
    return { kind: 'ssh', user, ...(this.#from ? { from: this.#from } : {}), ...(proof.fingerprint ? { key: proof.fingerprint } : {}) };
  }

  /** The link is in use until the transport is closed. */
  #counted(transport: Transport, origin: Origin | null): Transport {
    this.#use();
    return new CarriedTransport(transport, { origin, onClosed: () => this.#leave() });
  }

  #use(): void {
    this.#users++;
    if (this.#linger) clearTimeout(this.#linger);
    this.#linger = null;
  }

  #leave(): void {
    if (--this.#users > 0 || this.#isClosed) return;
    if (this.#isAbandoned) {
      this.close();
      return;
    }
    this.#linger = setTimeout(() => {
      this.close();
    }, LINGER_MS);
    this.#linger.unref();
  }
}
