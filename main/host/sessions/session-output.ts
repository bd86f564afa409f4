/**
 * A session's output on its way: from the keeper to every subscriber, the log and the screen, and what a client that
 * attaches begins with.
 *
 * Invariants 1 and 2: offsets continue or are refused, and a start is a snapshot at its exact offset or the bytes
 * from where the client stands, with size changes at their place. Invariant 7: nobody here waits for a client.
 */
import type { Channel, Offset } from '#protocol/ids.ts';
import type { Size } from '#protocol/shapes.ts';
import { OutputRing } from '#session/output-ring.ts';
import { FloodPace, type Held } from '../output/flood-pace.ts';
import type { OutputLog } from '../output/output-log.ts';
import type { Damage } from '../output/segment.ts';
import type { SizeHistory } from '../output/size-history.ts';
import { type OutputPort, type OutputSource, Subscriber } from '../output/subscriber.ts';
import type { ScreenCheckpoints } from '../screen/screen-checkpoints.ts';
import type { Snapshot } from '../screen/screen-messages.ts';
import { SessionScreen, type SessionScreenOptions } from './session-screen.ts';
import { chooseStart, type Start, type StartSource } from './session-start.ts';

/** Output held in memory for subscribers that lag, bytes; further behind they get a gap. */
const RING_BYTES = 8 * 1024 * 1024;
/** Kept of it while everybody is up to date, bytes: idle sessions are many. */
const IDLE_RING_BYTES = 256 * 1024;
/** Read and not yet parsed or stored, bytes: beyond it the keeper waits. */
const MAX_BACKLOG_BYTES = 4 * 1024 * 1024;

export type SessionOutputOptions = SessionScreenOptions & {
  /** Monotonic, milliseconds. */
  now: () => number;
  gapped: (range: { from: Offset; to: Offset }) => void;
};

export class SessionOutput implements OutputSource, StartSource {
  readonly #options: SessionOutputOptions;
  readonly ring: OutputRing;
  readonly screen: SessionScreen;
  readonly #subscribers = new Map<Channel, Subscriber>();
  readonly #hearers = new Set<() => void>();
  readonly #pace: FloodPace;
  #keeper: { pause(): void; resume(): void } | null = null;
  #isKeeperPaused = false;
  /** Up to here the keeper has it, though it may not be here yet: clients saw it through a host that crashed. */
  #promisedEnd = 0 as Offset;

  constructor(options: SessionOutputOptions) {
    this.#options = options;
    const readers = (now: number) => [...this.#subscribers.values()].map((subscriber) => subscriber.reader(now));
    this.#pace = new FloodPace({ readers, end: () => this.ring.end, now: options.now });
    this.ring = new OutputRing({ start: options.log.end, capacityBytes: RING_BYTES });
    this.screen = new SessionScreen(options, () => this.end);
  }

  get start(): Offset {
    return this.#options.log.start;
  }
  get end(): Offset {
    return this.ring.end;
  }
  get promisedEnd(): Offset {
    return this.#promisedEnd;
  }
  get sizes(): SizeHistory {
    return this.#options.sizes;
  }
  get checkpoints(): ScreenCheckpoints {
    return this.#options.checkpoints;
  }
  get size(): Size {
    return this.sizes.current;
  }
  get resizeCount(): number {
    return this.sizes.length;
  }

  /** Who to hold back when the screen or the disk is behind; its output up to `promisedEnd` comes for certain. */
  from(keeper: Held & { pause(): void; resume(): void }, promisedEnd: Offset): void {
    this.#keeper = keeper;
    this.#pace.from(keeper, this.#options.log.end);
    this.#promisedEnd = promisedEnd;
  }

  /** Bytes from the keeper; what is already held is dropped, a jump ahead is a hole that stays visible. */
  append(offset: Offset, bytes: Uint8Array): void {
    if (offset > this.ring.end) this.#jump(offset);
    const known = this.ring.end - offset;
    if (known >= bytes.length) return;
    const fresh = known > 0 ? bytes.subarray(known) : bytes;
    const at = this.ring.end;
    this.ring.append(fresh);
    for (const subscriber of this.#subscribers.values()) subscriber.pump();
    this.#options.log.append(at, fresh);
    this.screen.feed(at, fresh);
    for (const hearer of this.#hearers) hearer();
    if (!this.#isKeeperPaused && this.#isBehind(MAX_BACKLOG_BYTES)) {
      this.#isKeeperPaused = true;
      this.#keeper?.pause();
    }
  }

  /** Tells that there is new output, not which; until the answer is called. */
  hear(hearer: () => void): () => void {
    this.#hearers.add(hearer);
    return () => this.#hearers.delete(hearer);
  }

  /** Output up to `offset` is lost, as when the disk lost what the keeper had handed over: the offsets go on, with a hole. */
  #jump(offset: Offset): void {
    this.gapped({ from: this.ring.end, to: offset });
    this.ring.jump(offset);
    this.screen.jump(offset, this.size);
  }

  /** Output up to here is stored: the keeper may forget it, at the pace of the clients. */
  storedUpTo(offset: Offset): void {
    this.#pace.stored(offset);
    this.caughtUp();
  }

  /** A client has parsed up to here. */
  acknowledged(channel: Channel, offset: Offset): void {
    this.#subscribers.get(channel)?.ack(offset, this.#options.now());
    this.#pace.settleSoon();
  }

  /** The screen has parsed or the disk has stored more. */
  caughtUp(): void {
    if (this.#isKeeperPaused && !this.#isBehind(MAX_BACKLOG_BYTES / 2)) {
      this.#isKeeperPaused = false;
      this.#keeper?.resume();
    }
    if (this.ring.heldBytes > IDLE_RING_BYTES && this.#options.log.backlogBytes === 0) {
      // A snapshot made now lies as far back as the screen has parsed.
      const parsed = this.ring.end - this.screen.backlogBytes;
      const laggard = Math.min(parsed, ...[...this.#subscribers.values()].map(({ cursor }) => cursor));
      this.ring.dropBefore(Math.min(laggard, this.ring.end - IDLE_RING_BYTES) as Offset);
    }
  }

  /** From this place in the output on the terminal has this size. */
  resize(size: Size): void {
    this.sizes.add({ offset: this.end, size });
    this.screen.resize(this.end, size);
    for (const subscriber of this.#subscribers.values()) subscriber.pump();
  }

  /** Where a client begins that has everything up to `have`, or nothing. */
  begin(wanted: { have: Offset | undefined; scrollback: number }): Promise<Start> {
    return chooseStart(wanted, this);
  }

  subscribe(options: { channel: Channel; port: OutputPort; start: Start; window: number | undefined }): Subscriber {
    const { channel, port, start, window } = options;
    const { offset, resizeIndex, replayUntil } = start;
    const subscriber = new Subscriber({ channel, port, source: this, start: offset, resizeIndex, replayUntil, window });
    this.#subscribers.set(channel, subscriber);
    this.#pace.joined();
    return subscriber;
  }

  unsubscribe(channel: Channel): void {
    this.#subscribers.get(channel)?.dispose();
    this.#subscribers.delete(channel);
    this.#pace.settle();
  }

  nextResize({ index }: { offset: Offset; index: number }): { offset: Offset; size: Size; index: number } | null {
    const resize = this.sizes.get(index);
    return resize ? { ...resize, index } : null;
  }

  readStored(from: Offset, max: number): Promise<Uint8Array | null> {
    return this.#options.log.read(from, max);
  }

  /** Where reading goes on behind what is not there at `from`. */
  behindHole(from: Offset): Offset {
    return this.#options.log.next(from);
  }

  /** See `OutputLog.times`. */
  times(from: Offset): ReturnType<OutputLog['times']> {
    return this.#options.log.times(from);
  }

  snapshot(): Promise<Snapshot> {
    return this.screen.snapshot();
  }

  gapped(range: { from: Offset; to: Offset }): void {
    this.#options.gapped(range);
  }

  /** What is damaged of it on disk. */
  async verify(): Promise<Damage[]> {
    return [...(await this.#options.log.verify()), ...(await this.#options.checkpoints.verify(() => this.end))];
  }

  /** On disk beyond the budget, bytes. */
  get excessBytes(): number {
    return this.#options.log.excessBytes;
  }

  /** Drops the oldest of what is on disk, down to the budget. */
  trim(): Promise<void> {
    return this.#options.log.trim();
  }

  /** Resolves when everything so far is on disk, or was given up. */
  async stored(): Promise<void> {
    await this.#options.log.flushed();
    await this.#options.checkpoints.flushed();
  }

  /** As `stored`, with checksums: nothing more is printed. */
  async complete(): Promise<void> {
    await this.stored();
    await this.#options.log.summed();
  }

  /** Removes what is on disk; the journal keeps the record of who did what. */
  async erase(): Promise<void> {
    this.screen.close();
    await this.dispose();
    await this.#options.log.erase();
  }

  async dispose(): Promise<void> {
    this.#pace.dispose();
    for (const subscriber of this.#subscribers.values()) subscriber.dispose();
    this.#subscribers.clear();
    await this.#options.log.dispose();
    await this.#options.checkpoints.flushed();
  }

  #isBehind(bytes: number): boolean {
    return this.screen.backlogBytes > bytes || this.#options.log.backlogBytes > bytes;
  }
}
