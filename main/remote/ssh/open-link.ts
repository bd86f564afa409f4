/** A link that is logged in: its channels, why it ended, and the hops that end with it. */
import type { Duplex } from 'node:stream';
import type { ClientChannel, SFTPWrapper } from 'ssh2';
import { CmdopError } from '#protocol/errors.ts';
import type { Chain } from './hops.ts';
import type { Login, RemoteProgram, SshLink } from './link.ts';
import { plainText } from './plain-text.ts';

/** How long the other side may take to say goodbye, milliseconds: a dead link must not hold the process. */
const GOODBYE_MS = 1_000;
/** Longest that the server may take to open a channel, milliseconds. */
const OPEN_MS = 20_000;
/** RFC 4254, section 5.1. */
const REFUSALS: Readonly<Record<number, string>> = { 1: 'prohibited', 2: 'connect-failed' };

type Opened<Channel> = (error: Error | undefined, channel: Channel | undefined) => void;

export class OpenLink implements SshLink {
  readonly login: Login;
  readonly #chain: Chain;
  readonly #listeners = new Set<(error?: Error) => void>();
  #failure: Error | null = null;
  #isClosing = false;
  #hasRun = false;
  #closedWith: { error?: Error } | null = null;

  constructor(chain: Chain) {
    this.#chain = chain;
    const { config, hostFingerprint, proof } = this.#last;
    const via = chain.slice(0, -1).map((hop) => hop.config.typed);
    this.login = { user: config.user, host: config.hostName, port: config.port, via, hostFingerprint, proof };
    for (const { client, config: own } of chain) {
      client.on('error', (error) => {
        this.#failure ??= new CmdopError('host-unreachable', `the connection to ${own.typed} broke (${plainText(error.message)})`);
      });
      client.once('close', () => this.#closed());
    }
  }

  describe(): string {
    const { user, host, port, via, proof } = this.login;
    const name = host.includes(':') ? `[${host}]` : host;
    const through = via.length > 0 ? ` via ${via.join(', ')}` : '';
    const fingerprint = proof.fingerprint ? ` (${proof.fingerprint})` : '';
    return `${user}@${port === 22 ? host : `${name}:${port}`}${through}, ${proof.label}${fingerprint}`;
  }

  exec(command: string): Promise<RemoteProgram> {
    this.#hasRun = true;
    return this.#open('the command', (done: Opened<RemoteProgram>) =>
      this.#client.exec(command, (error, stream) => {
        // At once, not in a later turn: a short program's end arrives together with its start.
        done(error, error ? undefined : programOver(stream));
      }),
    );
  }

  streamLocal(path: string): Promise<Duplex> {
    this.#makePrompt();
    return this.#open(path, (done: Opened<Duplex>) =>
      this.#client.openssh_forwardOutStreamLocal(path, (error, stream) => {
        // Nothing is ever said there, and what is not read would count.
        stream?.stderr.resume();
        done(error, stream);
      }),
    );
  }

  sftp(): Promise<SFTPWrapper> {
    return this.#open('its files', (done: Opened<SFTPWrapper>) => this.#client.sftp(done));
  }

  silentMs(): number {
    return this.#last.silentMs();
  }

  onClosed(listener: (error?: Error) => void): void {
    const closedWith = this.#closedWith;
    if (closedWith) queueMicrotask(() => listener(closedWith.error));
    else this.#listeners.add(listener);
  }

  close(): void {
    if (this.#isClosing || this.#closedWith) return;
    this.#isClosing = true;
    this.#client.end();
    const timer = setTimeout(() => this.#closed(), GOODBYE_MS);
    this.onClosed(() => clearTimeout(timer));
  }

  /**
   * sshd sends small packets at once (TCP_NODELAY) only after the first program of a connection: before, a keystroke's
   * echo came 40 ms late, when our system acknowledged the verdict in front of it.
   */
  #makePrompt(): void {
    if (this.#hasRun) return;
    this.exec('exit 0').then(
      ({ stream, stderr }) => {
        stream.resume();
        stream.end();
        stderr.resume();
      },
      () => {}, // an account without programs is slower, and works
    );
  }

  /** As typed. */
  get #name() {
    return this.#last.config.typed;
  }

  get #client() {
    return this.#last.client;
  }

  get #last() {
    return this.#chain[this.#chain.length - 1] ?? this.#chain[0];
  }

  /** Throws `host-unreachable`, with `data.refused` where the server said no. */
  #open<Channel>(what: string, start: (done: Opened<Channel>) => unknown): Promise<Channel> {
    const place = this.#name;
    return new Promise((resolve, reject) => {
      const fail = (said: string, refused: string) => {
        clearTimeout(timer);
        reject(new CmdopError('host-unreachable', `${place} does not open ${what} (${plainText(said)})`, { refused }));
      };
      const timer = setTimeout(() => fail(`no answer within ${OPEN_MS / 1000} s`, 'other'), OPEN_MS);
      if (this.#isClosing || this.#closedWith) return fail('the link is closed', 'other');
      try {
        start((error, channel) => {
          clearTimeout(timer);
          if (channel) return resolve(channel);
          const reason = error && 'reason' in error && typeof error.reason === 'number' ? REFUSALS[error.reason] : undefined;
          fail(error?.message ?? 'no channel', reason ?? 'other');
        });
      } catch (error) {
        // ssh2 throws where its socket is closed already.
        fail(error instanceof Error ? error.message : String(error), 'other');
      }
    });
  }

  #closed(): void {
    if (this.#closedWith) return;
    const lost = () => new CmdopError('disconnected', `${this.#name} closed the connection`);
    this.#closedWith = this.#isClosing ? {} : { error: this.#failure ?? lost() };
    for (const { client } of [...this.#chain].reverse()) client.destroy();
    for (const listener of this.#listeners) listener(this.#closedWith.error);
    this.#listeners.clear();
  }
}

function programOver(stream: ClientChannel): RemoteProgram {
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    stream.on('exit', (code: number | null, signal?: string) => resolve({ code, signal: signal ?? null }));
    stream.on('close', () => resolve({ code: null, signal: null }));
  });
  return { stream, stderr: stream.stderr, exited };
}
