/**
 * Output of one attachment, from the frame to the sink, and what the host is told of it.
 *
 * Invariant 2: what is handed to the sink, in order, gives the host's screen: after a snapshot the bytes from its
 * offset, after a reconnect the bytes from where this stream stands, resizes at exactly their place.
 */
import type { Frame } from '#protocol/frames.ts';
import type { Offset } from '#protocol/ids.ts';
import type { EventParams, Result } from '#protocol/messages.ts';
import type { Size } from '#protocol/shapes.ts';
import type { SessionSink } from './session-sink.ts';

/** Parsed before the host is told, bytes: a quarter of its send window (DESIGN, section 4); an eighth of a small one, which may be narrowed. */
const ACK_EVERY_BYTES = 256 * 1024;

export type StreamOutputOptions = {
  sink: Pick<SessionSink, 'snapshot' | 'output' | 'resized' | 'gap'>;
  /** Output that may be on its way here, bytes; the host's choice when absent. */
  window: number | undefined;
  /** Tells the host what was parsed; false while no link is there. */
  acknowledge: (offset: Offset) => boolean;
};

export class StreamOutput {
  readonly #sink: StreamOutputOptions['sink'];
  readonly #acknowledge: StreamOutputOptions['acknowledge'];
  readonly #ackEvery: number;
  #received: Offset | null = null;
  #parsed = 0 as Offset;
  #acked = 0 as Offset;
  /** The snapshot whose frames are to come: the terminal's size, and how many bytes of text are missing. */
  #snapshot: { size: Size; isBegun: boolean; missingBytes: number } | null = null;

  constructor({ sink, window, acknowledge }: StreamOutputOptions) {
    this.#sink = sink;
    this.#acknowledge = acknowledge;
    this.#ackEvery = Math.min(ACK_EVERY_BYTES, (window ?? Number.POSITIVE_INFINITY) / 8);
  }

  /** Where the output that has come ends; null before the first. */
  get received(): Offset | null {
    return this.#received;
  }
  /** Where the parsed output ends. */
  get parsed(): Offset {
    return this.#parsed;
  }

  attached(answer: Result<'session.attach'>): void {
    if (answer.mode === 'resume') {
      this.#received = answer.offset;
      this.#sink.resized(answer.size);
    } else {
      if (this.#received !== null && this.#received < answer.offset) this.#sink.gap({ from: this.#received, to: answer.offset });
      this.#expectSnapshot(answer.size, answer.snapshotBytes);
    }
    this.#acked = answer.offset;
  }

  frame(frame: Extract<Frame, { kind: 'output' | 'snapshot' }>): void {
    if (frame.kind === 'snapshot') {
      const snapshot = this.#snapshot;
      if (!snapshot) return;
      snapshot.missingBytes -= frame.bytes.length;
      if (snapshot.missingBytes <= 0) this.#snapshot = null;
      if (snapshot.isBegun) {
        this.#sink.output(frame.bytes, () => {});
        return;
      }
      snapshot.isBegun = true;
      this.#received = frame.offset;
      this.#parsed = frame.offset;
      this.#acked = frame.offset;
      this.#sink.snapshot(frame.bytes, snapshot.size, () => this.#wasParsed(frame.offset));
      return;
    }
    this.#goOn(frame.offset, frame.bytes);
  }

  /** Output that the keeper has shown at once; the host sends it as well. What does not follow what is here is left to the host. */
  shown({ offset, bytes }: Extract<Frame, { kind: 'output' }>): void {
    if (!this.#snapshot && this.#received !== null && offset <= this.#received) this.#goOn(offset, bytes);
  }

  /** What is new of it. */
  #goOn(offset: Offset, bytes: Uint8Array): void {
    const end = (offset + bytes.length) as Offset;
    const known = this.#received === null ? 0 : Math.max(0, this.#received - offset);
    if (known >= bytes.length) return;
    this.#received = end;
    this.#sink.output(known === 0 ? bytes : bytes.subarray(known), () => this.#wasParsed(end));
  }

  gap({ from, to, size, snapshotBytes }: EventParams<'output.gap'>): void {
    this.#expectSnapshot(size, snapshotBytes);
    this.#sink.gap({ from, to });
  }

  #expectSnapshot(size: Size, missingBytes: number): void {
    this.#snapshot = { size, isBegun: false, missingBytes };
  }

  #wasParsed(offset: Offset): void {
    this.#parsed = offset;
    if (this.#parsed - this.#acked < this.#ackEvery) return;
    if (this.#acknowledge(this.#parsed)) this.#acked = this.#parsed;
  }
}
