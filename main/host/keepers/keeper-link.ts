/** The host's end of the wire to one keeper: finds it, writes in order, tells what it says and when it is gone. */
import { connect, type Socket } from 'node:net';
import type { ClientId, Offset, Seq } from '#protocol/ids.ts';
import type { Size } from '#protocol/shapes.ts';
import { ReadMemory, readingInto } from '#session/read-memory.ts';
import { encodeToKeeper, FromKeeperDecoder, KEEPER_WIRE } from '../../keeper/wire.ts';
import type { Delegated, DroppedOf, FromKeeper, KeeperHello, ToKeeper, Typed } from '../../keeper/wire-messages.ts';
import { checkedDropped, checkedExit, checkedHello } from '../journal/stored-shapes.ts';
import { joinedOutput } from './joined-output.ts';

/** A keeper must say hello after this long, milliseconds, where nobody waits for one that does not. */
export const HELLO_TIMEOUT_MS = 5_000;

/** A shorter read is not looked through for output that goes on, bytes: it is an echo. */
const MIN_JOINED_BYTES = 1024;

export type KeeperListener = {
  output(offset: Offset, bytes: Uint8Array): void;
  applied(client: ClientId, seq: Seq): void;
  /** Not taken: too many clients have units under way. */
  refused(client: ClientId, seq: Seq): void;
  /** Taken back, by `drop`. */
  dropped(units: DroppedOf[]): void;
  /** By the client that typing is delegated to, by this host or an earlier one. */
  typed(unit: Typed): void;
  /** The delegation is over, and all that was typed by it told; first that of an earlier host, where the keeper `retells`. */
  recalled(): void;
  /** The program has exited: the session ends when nobody holds its terminal. */
  ending(): void;
  exited(exit: { code: number | null; signal: string | null }): void;
  /** The keeper is gone without having told an exit. */
  lost(): void;
};

/** What is done about a keeper that says nothing. */
export type Patience = {
  /** Told once, when it has said nothing for so many milliseconds; the link waits on, until it does or is gone. */
  silent?: { afterMs: number; told: () => void };
  /** Nobody waits any more: it rejects. */
  givenUp?: AbortSignal;
};

/** It runs, as far as anybody can tell, and says nothing. */
export class KeeperSilent extends Error {}

type Drop = { taken(units: DroppedOf[]): void; isProbe: boolean };

export class KeeperLink {
  readonly #socket: Socket;
  readonly #listener: KeeperListener;
  readonly hello: KeeperHello;
  /** What came before `listen`; null after. */
  #early: FromKeeper[] | null = [];
  /** Who waits for what was taken back, oldest first. */
  readonly #drops: Drop[] = [];
  #isReleased = false;
  #isLost = false;
  /** Resolves when the link is closed: after `release`, when the keeper has ended. */
  readonly closed: Promise<void>;

  private constructor(options: { socket: Socket; hello: KeeperHello; listener: KeeperListener }) {
    this.#socket = options.socket;
    this.#listener = options.listener;
    this.hello = options.hello;
    this.closed = new Promise((resolve) => this.#socket.once('close', () => resolve()));
  }

  /**
   * Connects to the running keeper of `session` and asks for its output from `from` on. Rejects if nobody listens, or it is
   * no keeper of this session, or says nothing, unless `silent` is given. Nothing is delivered before `listen`.
   */
  static open(options: { path: string; session: string; from: Offset; listener: KeeperListener } & Patience): Promise<KeeperLink> {
    return new Promise((resolve, reject) => {
      const { path, session, from, listener, silent, givenUp } = options;
      const decoder = new FromKeeperDecoder();
      let link: KeeperLink | null = null;
      const received = (bytes: Uint8Array) => {
        try {
          const messages = decoder.push(bytes);
          for (const message of bytes.length < MIN_JOINED_BYTES ? messages : joinedOutput(messages)) {
            if (message.kind === 'hello') {
              if (link) continue; // only the first one counts
              settled();
              link = new KeeperLink({ socket, hello: checkedHello(message.hello, session), listener });
              socket.pause();
              resolve(link);
            } else if (link) link.#received(message);
          }
        } catch (error) {
          socket.destroy(error as Error);
        }
      };
      const socket = connect({ path, onread: readingInto(new ReadMemory(), received) });
      const saidNothing = () => socket.destroy(new KeeperSilent(`the keeper at ${path} said nothing`));
      // What it said while this process did something else is read before.
      const late = silent ? () => setImmediate(() => !isSettled && silent.told()) : saidNothing;
      let isSettled = false;
      let timer = setTimeout(late, silent?.afterMs ?? HELLO_TIMEOUT_MS);
      const leave = () => socket.destroy(new KeeperSilent(`nobody waits for the keeper at ${path} any more`));
      const settled = () => {
        isSettled = true;
        clearTimeout(timer);
        givenUp?.removeEventListener('abort', leave);
      };
      if (givenUp?.aborted) leave();
      givenUp?.addEventListener('abort', leave);
      socket.setNoDelay(true);
      socket.on('connect', () => {
        clearTimeout(timer);
        timer = setTimeout(late, silent?.afterMs ?? HELLO_TIMEOUT_MS);
        socket.write(encodeToKeeper({ kind: 'hello', wire: KEEPER_WIRE, from }));
      });
      let failure: Error | undefined;
      socket.on('error', (error) => {
        failure = error;
      });
      socket.on('close', () => {
        settled();
        if (!link) reject(failure ?? new KeeperSilent(`the keeper at ${path} closed the connection`));
        else link.#gone();
      });
    });
  }

  /** Begins delivery. */
  listen(): void {
    const early = this.#early ?? [];
    this.#early = null;
    for (const message of early) this.#received(message);
    this.#socket.resume();
    if (this.#isLost) this.#gone();
  }

  /** The first keepers take nothing back. */
  get takesBack(): boolean {
    return this.hello.features?.includes('drop') ?? false;
  }

  /** Whether a client may type straight into the terminal. */
  get delegates(): boolean {
    return this.hello.features?.includes('delegate') ?? false;
  }

  /** It tells first, and ends with `recalled`, what was typed past an earlier host, which that one may not have recorded. */
  get retells(): boolean {
    return this.hello.features?.includes('retell') ?? false;
  }

  /** Else nobody says when its terminal must not be held any more. */
  get tellsEnding(): boolean {
    return this.hello.features?.includes('ending') ?? false;
  }

  /** Bytes not yet taken by the keeper. */
  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  write(client: ClientId | '', seq: Seq, bytes: Uint8Array): void {
    this.#send({ kind: 'write', client, seq, bytes });
  }
  resize({ cols, rows }: Size): void {
    this.#send({ kind: 'resize', cols, rows });
  }
  ack(offset: Offset): void {
    this.#send({ kind: 'ack', offset });
  }
  /** The program waits at `offset`, where the keeper can do that; null: nowhere. */
  limit(offset: Offset | null): void {
    if (this.hello.features?.includes('limit')) this.#send({ kind: 'limit', offset });
  }
  signal(name: string): void {
    this.#send({ kind: 'signal', name });
  }
  forget(client: ClientId): void {
    this.#send({ kind: 'forget', client });
  }
  /** Before all input that has not begun to reach the program, where this keeper can do that. */
  urgent(bytes: Uint8Array): void {
    if (this.hello.features?.includes('urgent')) this.#send({ kind: 'urgent', bytes });
    else this.write('', 0 as Seq, bytes);
  }
  /**
   * Units of these clients, or of all, that are not in the PTY whole go no further, where it `takesBack`. Resolves with which,
   * after the listener was told.
   */
  drop(clients: ClientId[] | null): Promise<DroppedOf[]> {
    return this.#drop(clients, false);
  }

  /** Whether it answers within `ms`, where that can be asked: taking back nothing from nobody is answered as well. */
  answers(ms: number): Promise<boolean> {
    if (!this.takesBack || this.#isLost) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      const answered = () => {
        clearTimeout(timer);
        resolve(true);
      };
      void this.#drop([], true).then(answered);
    });
  }

  #drop(clients: ClientId[] | null, isProbe: boolean): Promise<DroppedOf[]> {
    if (this.#isLost) return Promise.resolve([]);
    this.#send({ kind: 'drop', clients });
    return new Promise((taken) => this.#drops.push({ taken, isProbe }));
  }
  /** Where it `delegates`. Answered by `recalled`, once. */
  delegate(to: Delegated): void {
    this.#send({ kind: 'delegate', ...to });
  }
  recall(): void {
    this.#send({ kind: 'recall' });
  }
  note(bytes: Uint8Array): void {
    this.#send({ kind: 'note', bytes });
  }

  /** Output stops coming until `resume`: the screen is behind. */
  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }

  /** The exit is recorded: the keeper may end. */
  release(): void {
    this.#isReleased = true;
    this.#socket.end(encodeToKeeper({ kind: 'release' }));
  }

  /** Leaves the keeper for the next host. */
  close(): void {
    this.#isReleased = true;
    this.#socket.destroy();
  }

  #received(message: FromKeeper): void {
    if (this.#early) {
      this.#early.push(message);
      return;
    }
    switch (message.kind) {
      case 'output':
        if (!Number.isSafeInteger(message.offset + message.bytes.length)) throw new Error(`its output cannot begin at ${message.offset}`);
        this.#listener.output(message.offset, message.bytes);
        return;
      case 'applied':
        this.#listener.applied(message.client, message.seq);
        return;
      case 'refused':
        this.#listener.refused(message.client, message.seq);
        return;
      case 'dropped': {
        const units = checkedDropped(message.units);
        const drop = this.#drops.shift();
        if (!drop?.isProbe) this.#listener.dropped(units);
        drop?.taken(units);
        return;
      }
      case 'typed':
        this.#listener.typed(message);
        return;
      case 'recalled':
        this.#listener.recalled();
        return;
      case 'ending':
        this.#listener.ending();
        return;
      case 'exit':
        this.#listener.exited(checkedExit(message.exit));
        return;
      case 'hello':
        return; // only the first one counts
    }
  }

  #gone(): void {
    this.#isLost = true;
    for (const { taken } of this.#drops.splice(0)) taken([]);
    if (!this.#early && !this.#isReleased) this.#listener.lost();
  }

  #send(message: ToKeeper): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeToKeeper(message));
  }
}
