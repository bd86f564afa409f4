/**
 * Keeps one session alive: its PTY, the output no host has stored yet, and which input units were written.
 *
 * Invariant 6: killing any process but a keeper loses no output and repeats no input. Output is held until a host
 * acknowledged it; when the ring is full the program waits, as it does on any slow terminal. Units are dropped when
 * their seq was seen, whichever host sends them.
 */
import type { ClientId, Offset, Seq } from '#protocol/ids.ts';
import { type DroppedUnits, InputLedger } from '#session/input-ledger.ts';
import { OutputRing } from '#session/output-ring.ts';
import type { Pty } from './pty.ts';
import {
  encodeApplied,
  encodeDropped,
  encodeEnding,
  encodeExit,
  encodeKeeperHello,
  encodeOutputHeader,
  encodeRefused,
  KEEPER_WIRE,
  MAX_UNACKED_BYTES,
  ToKeeperDecoder,
} from './wire.ts';
import type { DroppedOf, KeeperExit, ToKeeper } from './wire-messages.ts';

/** Output held for a host that is away, bytes; then the program waits. For one that is there: what may be sent to it. */
const RING_BYTES = 4 * 1024 * 1024;
const MAX_OUTPUT_FRAME_BYTES = 256 * 1024;
/** What is sent together up to here is copied into one piece, bytes: a call of the system for several costs more. */
const MAX_JOINED_BYTES = 4096;
/** A verdict waits this long for the echo, milliseconds: together they wake the host once, and each wake-up delays the echo. */
const VERDICT_WAIT_MS = 2;
/** What DROPPED says beside the ledger's clients, bytes. */
const MAX_FORGOTTEN_BYTES = 200 * 1024;
/** Unread input beyond which a program's queries are not answered, bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** The stream to the host; a net.Socket in truth. */
export interface HostLink {
  write(bytes: Uint8Array): boolean;
  cork(): void;
  uncork(): void;
  destroy(): void;
}

export type KeeperSession = { session: string; meta: Record<string, unknown>; cols: number; rows: number; startOffset?: number };

export type KeeperSurroundings = {
  /** The host has recorded the exit, the process may end. */
  released: () => void;
  /** Calls `work` once after so many milliseconds, unless the returned function was called before. */
  after: (ms: number, work: () => void) => () => void;
};

export class Keeper {
  readonly #session: KeeperSession;
  readonly #ring: OutputRing;
  readonly #ledger = new InputLedger();
  readonly #released: () => void;
  readonly #after: KeeperSurroundings['after'];
  #pty: Pty | null = null;
  #link: HostLink | null = null;
  #sent = 0 as Offset;
  #isPaused = false;
  /** The program waits once it has printed up to there, by the word of the host that is there. */
  #limit = Number.POSITIVE_INFINITY;
  #exit: KeeperExit | null = null;
  #isExitSent = false;
  #note: Uint8Array = new Uint8Array(0);
  /** Frames that wait for output to go with. */
  readonly #verdicts: Uint8Array[] = [];
  #cancelVerdictTimer: (() => void) | null = null;

  constructor(session: KeeperSession, { released, after }: KeeperSurroundings) {
    this.#session = session;
    this.#ring = new OutputRing({ start: (session.startOffset ?? 0) as Offset, capacityBytes: Number.POSITIVE_INFINITY });
    this.#released = released;
    this.#after = after;
  }

  start(pty: Pty): void {
    this.#pty = pty;
  }

  /** Bytes from the PTY. */
  output(bytes: Uint8Array): void {
    this.#ring.append(bytes);
    if (!this.#isPaused && this.#hasEnough) {
      this.#isPaused = true;
      this.#pty?.pause();
    }
    // At once, for echo; nothing is gained by waiting: a terminal gives what it has in one read a turn.
    this.#send();
  }

  /** The program has exited; its last output may be still to come. */
  ending(): void {
    this.#link?.write(encodeEnding());
  }

  exited(exit: KeeperExit): void {
    this.#exit = exit;
    this.#send();
  }

  /** A host has connected. Returns what to do with its bytes, and with the end of the link. */
  connected(link: HostLink): { received(bytes: Uint8Array): void; closed(): void } {
    const decoder = new ToKeeperDecoder();
    let isGreeted = false;
    return {
      received: (bytes) => {
        try {
          for (const message of decoder.push(bytes)) {
            if (message.kind === 'hello' && !isGreeted) {
              isGreeted = true;
              this.#greet(link, message.from);
            } else if (this.#link === link) this.#perform(message);
            else if (!isGreeted) throw new Error('no hello');
          }
        } catch {
          link.destroy(); // not a host, or a broken one; the session goes on and the next one may connect
        }
      },
      closed: () => {
        if (this.#link !== link) return;
        this.#link = null;
        this.#limit = Number.POSITIVE_INFINITY;
        this.#resume();
      },
    };
  }

  get #hasEnough(): boolean {
    return this.#ring.heldBytes >= (this.#link ? MAX_UNACKED_BYTES : RING_BYTES) || this.#ring.end >= this.#limit;
  }

  /** Unless it has enough. */
  #resume(): void {
    if (!this.#isPaused || this.#hasEnough) return;
    this.#isPaused = false;
    this.#pty?.resume();
  }

  #greet(link: HostLink, from: Offset): void {
    // Units of the old host that are still unread must not run after the new host has asked for the ledger.
    this.#link?.destroy();
    this.#link = link;
    const { session, meta, cols, rows } = this.#session;
    link.write(
      encodeKeeperHello({
        wire: KEEPER_WIRE,
        session,
        keeperPid: process.pid,
        shellPid: this.#pty?.pid ?? 0,
        start: this.#ring.start,
        end: this.#ring.end,
        cols,
        rows,
        ledger: this.#ledger.entries(),
        exit: this.#exit,
        meta,
        note: Buffer.from(this.#note).toString('base64'),
        features: ['urgent', 'drop', 'ending', 'limit'],
      }),
    );
    this.#isExitSent = false;
    this.#takeVerdicts(); // the ledger has them
    const wanted = Number.isNaN(from) ? this.#ring.start : from; // not a host of ours, or a broken one
    this.#sent = Math.min(Math.max(wanted, this.#ring.start), this.#ring.end) as Offset;
    this.#send();
  }

  #perform(message: ToKeeper): void {
    switch (message.kind) {
      case 'write':
        this.#write(message.client, message.seq, message.bytes);
        return;
      case 'resize':
        this.#session.cols = message.cols;
        this.#session.rows = message.rows;
        this.#pty?.resize(message.cols, message.rows);
        return;
      case 'ack':
        this.#ring.dropBefore(message.offset);
        this.#send();
        this.#resume();
        return;
      case 'limit':
        this.#limit = message.offset ?? Number.POSITIVE_INFINITY;
        this.#resume();
        return;
      case 'signal':
        this.#signal(message.name);
        return;
      case 'release':
        if (this.#exit) this.#released();
        return;
      case 'forget':
        this.#ledger.forget(message.client);
        return;
      case 'note':
        this.#note = message.bytes;
        return;
      case 'urgent':
        this.#pty?.write({ bytes: message.bytes, unit: null, isUrgent: true, written: () => {} });
        return;
      case 'drop':
        this.#drop(message.clients);
        return;
      case 'hello':
        return; // only the first one counts
    }
  }

  #write(client: ClientId | '', seq: Seq, bytes: Uint8Array): void {
    if (client === '') {
      // A program that asks and never reads gets no more answers, instead of a queue without end.
      if ((this.#pty?.queuedBytes ?? 0) < MAX_ANSWER_BYTES) this.#pty?.write({ bytes, unit: null, written: () => {} });
      return;
    }
    const acceptance = this.#ledger.accept(client, seq);
    if (acceptance === 'full') this.#tell(encodeRefused(client, seq));
    if (acceptance !== 'new') return;
    const written = () => {
      this.#ledger.applied(client, seq);
      this.#tell(encodeApplied(client, seq));
    };
    this.#pty?.write({ bytes, unit: { client, seq }, written });
  }

  /** With the next output, or soon. */
  #tell(verdict: Uint8Array): void {
    this.#verdicts.push(verdict);
    this.#cancelVerdictTimer ??= this.#after(VERDICT_WAIT_MS, () => this.#send());
  }

  /**
   * Remembered before it is told: a host that dies between must not cost a verdict. The ledger bounds how much is told; of a
   * client that is forgotten nobody waits to hear, it is told while there is room.
   */
  #drop(clients: ClientId[] | null): void {
    const ranges = new Map<ClientId, DroppedUnits>();
    for (const { client, seq, writtenBytes } of this.#pty?.takeBack(clients && new Set(clients)) ?? []) {
      const [from, , written] = ranges.get(client) ?? [seq, seq, writtenBytes];
      ranges.set(client, [from, seq, written]);
    }
    let left = MAX_FORGOTTEN_BYTES;
    const told: DroppedOf[] = [];
    for (const [client, units] of ranges) {
      const isKnown = this.#ledger.dropped(client, units);
      if (!isKnown) left -= encodeDropped([[client, ...units]]).length;
      if (isKnown || left > 0) told.push([client, ...units]);
    }
    this.#verdicts.push(encodeDropped(told));
    this.#send();
  }

  /** To the whole foreground job where the system tells it, as the terminal driver does; else to the shell's group. */
  #signal(name: string): void {
    const pid = this.#pty?.pid;
    if (!pid || this.#exit || name === '') return; // without a name, Node would end it
    try {
      process.kill(process.platform === 'win32' ? pid : -pid, name as NodeJS.Signals);
    } catch {
      // The group is gone: its exit is on the way.
    }
  }

  #send(): void {
    const link = this.#link;
    if (!link) return;
    const limit = Math.min(this.#ring.end, this.#ring.start + MAX_UNACKED_BYTES);
    if (this.#sent < this.#ring.start) this.#sent = this.#ring.start;
    const pieces: Uint8Array[] = [];
    while (this.#sent < limit) {
      const length = Math.min(limit - this.#sent, MAX_OUTPUT_FRAME_BYTES);
      pieces.push(encodeOutputHeader(this.#sent, length), ...this.#ring.readParts(this.#sent, length));
      this.#sent = (this.#sent + length) as Offset;
    }
    // Behind the output: a verdict must not keep an echo waiting.
    pieces.push(...this.#takeVerdicts());
    writeTogether(link, pieces);
    if (this.#exit && this.#sent === this.#ring.end && !this.#isExitSent) {
      this.#isExitSent = true;
      link.write(encodeExit(this.#exit));
    }
  }

  #takeVerdicts(): Uint8Array[] {
    this.#cancelVerdictTimer?.();
    this.#cancelVerdictTimer = null;
    return this.#verdicts.splice(0);
  }
}

function writeTogether(link: HostLink, pieces: Uint8Array[]): void {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  if (length === 0) return;
  if (length <= MAX_JOINED_BYTES) {
    link.write(Buffer.concat(pieces, length));
    return;
  }
  link.cork();
  for (const piece of pieces) link.write(piece);
  link.uncork();
}
