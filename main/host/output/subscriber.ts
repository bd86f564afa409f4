/**
 * One client's place in a session's output: a cursor into the ring, never a queue.
 *
 * Invariant 7: a slow client delays nobody. It is sent what its window allows; when the ring has moved past its cursor
 * it gets an explicit gap and a fresh screen.
 */
import { encodeOutputHeader, encodeSnapshotHeader, MAX_OUTPUT_BYTES } from '#protocol/frames.ts';
import type { Channel, Offset } from '#protocol/ids.ts';
import type { EventName, EventParams } from '#protocol/messages.ts';
import type { Size } from '#protocol/shapes.ts';
import type { OutputRing } from '#session/output-ring.ts';
import { RATE_SPAN_MS, ReaderRate } from '#session/reader-rate.ts';
import { SendWindow, WINDOW_BYTES } from '#session/send-window.ts';
import type { Reader } from './flood-pace.ts';

/** Largest OUTPUT frame, bytes: a frame is also what a resize or a gap waits for. */
const FRAME_BYTES = 256 * 1024;
/** Read from storage at once, bytes: each time costs several turns of the thread pool. */
const READ_BYTES = 1024 * 1024;
/** Queued in this process for one client before we wait for the socket, bytes. */
const MAX_QUEUED_BYTES = 1024 * 1024;

/** To a client that asked for a small window no more is sent than it takes in this time, milliseconds. */
const NEAR_MS = 30;
/** A client acknowledges at least each such share of its window (DESIGN, section 4). */
const ACKED_SHARE = 1 / 4;

/** A screen that could not be read is asked again after this long, milliseconds. */
const RETRY_MS = 100;

/** The connection a subscriber sends on. */
export interface OutputPort {
  readonly queuedBytes: number;
  send(...parts: Uint8Array[]): void;
  event<E extends EventName>(event: E, params: EventParams<E>): void;
}

/** Where the subscriber reads. */
export interface OutputSource {
  readonly ring: OutputRing;
  /** The first size change at or after `offset` that is not before it, or null. */
  nextResize(after: { offset: Offset; index: number }): { offset: Offset; size: Size; index: number } | null;
  /** Stored bytes that the ring holds no more; null where they are lost. */
  readStored(from: Offset, max: number): Promise<Uint8Array | null>;
  snapshot(): Promise<{ offset: Offset; size: Size; text: Uint8Array }>;
  /** How many size changes there were: where a subscriber that starts with a snapshot stands. */
  readonly resizeCount: number;
  gapped(range: { from: Offset; to: Offset }): void;
}

export class Subscriber {
  readonly channel: Channel;
  readonly #port: OutputPort;
  readonly #source: OutputSource;
  readonly #window: SendWindow;
  readonly #rate = new ReaderRate();
  readonly #frameBytes: number;
  /** It asked for little on its way, so that a key acts at once: what it takes in NEAR_MS is enough. */
  readonly #isNear: boolean;
  /** Bytes below this offset may be read from storage: the replay that an attach asked for. */
  #replayUntil: Offset;
  #resizeIndex: number;
  #isBusy = false;
  #isDisposed = false;

  constructor(options: {
    channel: Channel;
    port: OutputPort;
    source: OutputSource;
    start: Offset;
    resizeIndex: number;
    replayUntil: Offset;
    window: number | undefined;
  }) {
    this.channel = options.channel;
    this.#port = options.port;
    this.#source = options.source;
    const { window = WINDOW_BYTES } = options;
    this.#isNear = window < WINDOW_BYTES;
    this.#window = new SendWindow(options.start, window);
    this.#frameBytes = Math.min(FRAME_BYTES, Math.ceil(window / 4));
    this.#resizeIndex = options.resizeIndex;
    this.#replayUntil = options.replayUntil;
  }

  get cursor(): Offset {
    return this.#window.cursor;
  }

  ack(offset: Offset, now: number): void {
    const before = this.#window.acked;
    this.#window.ack(offset);
    this.#rate.took(this.#window.acked - before, now);
    if (this.#isNear) this.#window.narrow((this.#rate.recentBytes(now) * NEAR_MS) / RATE_SPAN_MS);
    this.pump();
  }

  /** How far it is behind, and how fast it takes what it gets. */
  reader(now: number): Reader {
    const { end } = this.#source.ring;
    const { cursor, acked, bytes } = this.#window;
    const isIdle = end - acked < bytes * ACKED_SHARE;
    this.#rate.offered(!isIdle, now);
    const recentBytes = this.#rate.recentBytes(now);
    // Whatever comes next begins under the eyes of a person.
    const isBeginning = this.#rate.isBeginning(now) || (this.#isNear && isIdle);
    return { behindBytes: end - cursor, recentBytes, isBeginning, isNear: this.#isNear, isIdle };
  }

  /** Sends what there is and may be sent. Called on new output, on acknowledgement and when the socket has drained. */
  pump(): void {
    const { ring } = this.#source;
    while (!this.#isBusy && !this.#isDisposed) {
      const resize = this.#source.nextResize({ offset: this.cursor, index: this.#resizeIndex });
      if (resize && resize.offset <= this.cursor) {
        this.#resizeIndex = resize.index + 1;
        this.#port.event('session.resized', { channel: this.channel, offset: resize.offset, size: resize.size });
        continue;
      }
      if (this.cursor >= ring.end || this.#port.queuedBytes > MAX_QUEUED_BYTES) return;
      if (this.cursor < ring.start) {
        // A client that waits for its window must not be snapshotted again and again: only when it can take one.
        if (this.#window.credit === 0) return;
        void this.#catchUp();
        return;
      }
      const room = Math.min(this.#window.credit, this.#frameBytes, (resize?.offset ?? ring.end) - this.cursor);
      if (room === 0) return;
      this.#send(ring.readParts(this.cursor, room));
    }
  }

  dispose(): void {
    this.#isDisposed = true;
  }

  /** One frame. */
  #send(parts: readonly Uint8Array[]): void {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    this.#port.send(encodeOutputHeader(this.channel, this.cursor, length), ...parts);
    this.#window.sent(length);
  }

  /** The cursor is before the ring: from storage within a replay, else a gap and a fresh screen. */
  async #catchUp(): Promise<void> {
    this.#isBusy = true;
    let failed = false;
    try {
      const from = this.cursor;
      if (from < this.#replayUntil) {
        const resize = this.#source.nextResize({ offset: from, index: this.#resizeIndex });
        const room = Math.min(this.#window.credit, READ_BYTES, (resize?.offset ?? Number.POSITIVE_INFINITY) - from);
        const bytes = await this.#source.readStored(from, room);
        if (this.#isDisposed) return;
        if (bytes && bytes.length > 0) {
          for (let at = 0; at < bytes.length; at += FRAME_BYTES) this.#send([bytes.subarray(at, at + FRAME_BYTES)]);
          return;
        }
      }
      const snapshot = await this.#source.snapshot();
      if (this.#isDisposed) return;
      this.#source.gapped({ from, to: snapshot.offset });
      const { offset: to, size, text } = snapshot;
      this.#port.event('output.gap', { channel: this.channel, from, to, size, snapshotBytes: text.length });
      sendSnapshot(this.#port, { channel: this.channel, offset: to, text });
      this.#window.jump(snapshot.offset);
      this.#replayUntil = snapshot.offset;
      this.#skipResizesBefore(snapshot.offset);
    } catch (error) {
      // The host ends, or the screen broke and is drawn again: one client that waits for it must not end the host.
      if (!this.#isDisposed) console.error('a screen could not be read:', error);
      failed = true;
    } finally {
      this.#isBusy = false;
      // In a turn of its own: a client that asks for much must not hold up the others.
      if (!this.#isDisposed && !failed) setImmediate(() => this.pump());
      else if (!this.#isDisposed) setTimeout(() => this.pump(), RETRY_MS);
    }
  }

  /** The snapshot already has the size of every change up to its offset. */
  #skipResizesBefore(offset: Offset): void {
    for (;;) {
      const resize = this.#source.nextResize({ offset, index: this.#resizeIndex });
      if (!resize || resize.offset > offset) return;
      this.#resizeIndex = resize.index + 1;
    }
  }
}

/** One SNAPSHOT frame, or several for a text that exceeds one; an empty text is one empty frame. */
export function sendSnapshot(port: OutputPort, snapshot: { channel: Channel; offset: Offset; text: Uint8Array }): void {
  const { channel, offset, text } = snapshot;
  for (let at = 0; at === 0 || at < text.length; at += MAX_OUTPUT_BYTES) {
    const part = text.subarray(at, at + MAX_OUTPUT_BYTES);
    port.send(encodeSnapshotHeader(channel, offset, part.length), part);
  }
}
