/**
 * The wire between client and host. Both sides first send MAGIC, then frames:
 *
 *   u32le length of what follows (1 … MAX_FRAME_BYTES) · u8 kind · payload
 *
 *   0 MESSAGE   UTF-8 JSON (messages.ts)
 *   1 OUTPUT    u32 channel · u64 offset · bytes            host → client
 *   2 INPUT     u32 channel · u32 epoch · u64 seq · bytes   client → host; one frame is one input unit
 *   3 SNAPSHOT  u32 channel · u64 offset · bytes            host → client; VT text for a reset terminal
 *   4 ORIGIN    UTF-8 JSON (`origin` in shapes.ts)         bridge → host; at most one, before every other frame
 *   5 STREAM    u32 stream · bytes                         both ways (streams.ts)
 *
 * All integers are little-endian. Numbers of kinds are never reused; an unknown kind is skipped.
 */
import { BodyCutter } from './body-cutter.ts';
import { CmdopError } from './errors.ts';
import type { Channel, Epoch, Offset, Seq } from './ids.ts';
import { readUint32, readUint64, writeUint32, writeUint64 } from './integers.ts';

/** The first 8 bytes of each direction: `cmdop\0v1`. */
export const MAGIC = Uint8Array.of(0x63, 0x6d, 0x64, 0x6f, 0x70, 0x00, 0x76, 0x31);

/** Largest `length` accepted, bytes: bounds what one peer can make the other hold. */
export const MAX_FRAME_BYTES = 1024 * 1024;

export const FRAME = { message: 0, output: 1, input: 2, snapshot: 3, origin: 4, stream: 5 } as const;

export type Frame =
  | { kind: 'message'; json: string }
  | { kind: 'output'; channel: Channel; offset: Offset; bytes: Uint8Array }
  | { kind: 'input'; channel: Channel; epoch: Epoch; seq: Seq; bytes: Uint8Array }
  | { kind: 'snapshot'; channel: Channel; offset: Offset; bytes: Uint8Array }
  | { kind: 'origin'; json: string }
  | { kind: 'stream'; stream: number; bytes: Uint8Array }
  | { kind: 'unknown'; number: number };

/** Bytes of a frame before an OUTPUT's or SNAPSHOT's payload. */
const OUTPUT_HEADER_BYTES = 4 + 1 + 4 + 8;
const INPUT_HEADER_BYTES = 4 + 1 + 4 + 4 + 8;
const STREAM_HEADER_BYTES = 4 + 1 + 4;

/** Most bytes that fit in one OUTPUT or SNAPSHOT frame. */
export const MAX_OUTPUT_BYTES = MAX_FRAME_BYTES - OUTPUT_HEADER_BYTES + 4;
/** Most bytes that fit in one INPUT frame. */
export const MAX_INPUT_BYTES = MAX_FRAME_BYTES - INPUT_HEADER_BYTES + 4;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A message of `bytes` that no frame carries. */
export class MessageTooLarge extends RangeError {
  readonly bytes: number;

  constructor(bytes: number) {
    super(`message of ${bytes} bytes exceeds a frame of ${MAX_FRAME_BYTES}`);
    this.bytes = bytes;
  }
}

/** Throws MessageTooLarge if the JSON is larger than a frame: senders page what can grow. */
export function encodeMessage(message: unknown): Uint8Array {
  const json = encoder.encode(JSON.stringify(message));
  if (json.length + 1 > MAX_FRAME_BYTES) throw new MessageTooLarge(json.length);
  const frame = new Uint8Array(5 + json.length);
  header(frame, 1 + json.length, FRAME.message);
  frame.set(json, 5);
  return frame;
}

/** How a client came, put behind its magic by whoever carries its bytes; older hosts skip it. */
export function encodeOrigin(origin: unknown): Uint8Array {
  const json = encoder.encode(JSON.stringify(origin));
  const frame = new Uint8Array(5 + json.length);
  header(frame, 1 + json.length, FRAME.origin);
  frame.set(json, 5);
  return frame;
}

/** Everything of an OUTPUT frame but its bytes, which the transport sends after it without a copy. */
export function encodeOutputHeader(channel: Channel, offset: Offset, byteLength: number): Uint8Array {
  return streamHeader(FRAME.output, channel, offset, byteLength);
}

/** Everything of a SNAPSHOT frame but its bytes. */
export function encodeSnapshotHeader(channel: Channel, offset: Offset, byteLength: number): Uint8Array {
  return streamHeader(FRAME.snapshot, channel, offset, byteLength);
}

/** Everything of a STREAM frame but its bytes. */
export function encodeStreamHeader(stream: number, byteLength: number): Uint8Array {
  if (byteLength > MAX_FRAME_BYTES - STREAM_HEADER_BYTES + 4) throw new RangeError(`${byteLength} bytes exceed a frame`);
  const frame = new Uint8Array(STREAM_HEADER_BYTES);
  header(frame, STREAM_HEADER_BYTES - 4 + byteLength, FRAME.stream);
  writeUint32(frame, 5, stream);
  return frame;
}

export function encodeInput(unit: { channel: Channel; epoch: Epoch; seq: Seq; bytes: Uint8Array }): Uint8Array {
  const { channel, epoch, seq, bytes } = unit;
  if (bytes.length > MAX_INPUT_BYTES) throw new RangeError(`input unit of ${bytes.length} bytes exceeds ${MAX_INPUT_BYTES}`);
  const frame = new Uint8Array(INPUT_HEADER_BYTES + bytes.length);
  header(frame, frame.length - 4, FRAME.input);
  writeUint32(frame, 5, channel);
  writeUint32(frame, 9, epoch);
  writeUint64(frame, 13, seq);
  frame.set(bytes, INPUT_HEADER_BYTES);
  return frame;
}

function streamHeader(kind: number, channel: Channel, offset: Offset, byteLength: number): Uint8Array {
  if (byteLength > MAX_OUTPUT_BYTES) throw new RangeError(`${byteLength} bytes exceed a frame's ${MAX_OUTPUT_BYTES}`);
  const frame = new Uint8Array(OUTPUT_HEADER_BYTES);
  header(frame, OUTPUT_HEADER_BYTES - 4 + byteLength, kind);
  writeUint32(frame, 5, channel);
  writeUint64(frame, 9, offset);
  return frame;
}

function header(frame: Uint8Array, length: number, kind: number): void {
  writeUint32(frame, 0, length);
  frame[4] = kind;
}

/**
 * Cuts a byte stream into frames. Payloads are views into what was pushed where a frame lies whole in one chunk. Of a
 * STREAM frame the bytes come as they are there, in several pieces if need be: putting them together would only cost.
 * Throws `bad-frame` on a frame that breaks the format, after which the stream must be closed.
 */
export class FrameDecoder {
  readonly #bodies = new BodyCutter(MAX_FRAME_BYTES);
  /** The STREAM frame whose bytes come now. */
  #stream = 0;
  #streamLeft = 0;

  push(chunk: Uint8Array): Iterable<Frame> {
    const bodies = this.#streamLeft === 0 ? this.#bodies.whole(chunk) : null;
    return bodies?.every(isWellFormed) ? bodies.map(decode) : this.#cut(chunk);
  }

  *#cut(chunk: Uint8Array): Generator<Frame> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#streamLeft > 0) {
        const bytes = rest.subarray(0, this.#streamLeft);
        this.#streamLeft -= bytes.length;
        rest = rest.subarray(bytes.length);
        yield { kind: 'stream', stream: this.#stream, bytes };
      } else if (this.#bodies.isEmpty && rest[4] === FRAME.stream && rest.length >= STREAM_HEADER_BYTES) {
        const length = readUint32(rest, 0);
        if (length < STREAM_HEADER_BYTES - 4 || length > MAX_FRAME_BYTES) throw badLength(length);
        this.#stream = readUint32(rest, 5);
        this.#streamLeft = length - (STREAM_HEADER_BYTES - 4);
        rest = rest.subarray(STREAM_HEADER_BYTES);
      } else {
        const end = this.#bodies.isEmpty ? endOfOthers(rest) : Math.min(rest.length, this.#bodies.missing);
        for (const body of this.#bodies.push(rest.subarray(0, end))) yield decode(body);
        rest = rest.subarray(end);
      }
    }
  }
}

/** Where the first STREAM frame of `bytes` begins that can be told to be one, or where they end. */
function endOfOthers(bytes: Uint8Array): number {
  let at = 0;
  do at += 4 + (at + 4 <= bytes.length ? readUint32(bytes, at) : 0);
  while (at + STREAM_HEADER_BYTES <= bytes.length && bytes[at + 4] !== FRAME.stream);
  return at + STREAM_HEADER_BYTES <= bytes.length ? at : bytes.length;
}

/** What `decode` does not throw at: frames that come with a broken one still count. */
function isWellFormed(body: Uint8Array): boolean {
  switch (body[0]) {
    case FRAME.message:
      return true;
    case FRAME.output:
      return body.length >= OUTPUT_HEADER_BYTES - 4 && readUint64(body, 5) <= Number.MAX_SAFE_INTEGER;
    case FRAME.input:
      return body.length >= INPUT_HEADER_BYTES - 4 && readUint64(body, 9) <= Number.MAX_SAFE_INTEGER;
    default:
      return false;
  }
}

function decode(body: Uint8Array): Frame {
  const number = body[0] ?? 0;
  switch (number) {
    case FRAME.message:
      return { kind: 'message', json: decoder.decode(body.subarray(1)) };
    case FRAME.output:
    case FRAME.snapshot: {
      if (body.length < 13) throw tooShort(number, body.length, 13);
      const kind = number === FRAME.output ? 'output' : 'snapshot';
      return { kind, channel: readUint32(body, 1) as Channel, offset: integer(body, 5) as Offset, bytes: body.subarray(13) };
    }
    case FRAME.input:
      if (body.length < 17) throw tooShort(number, body.length, 17);
      return {
        kind: 'input',
        channel: readUint32(body, 1) as Channel,
        epoch: readUint32(body, 5) as Epoch,
        seq: integer(body, 9) as Seq,
        bytes: body.subarray(17),
      };
    case FRAME.origin:
      return { kind: 'origin', json: decoder.decode(body.subarray(1)) };
    case FRAME.stream:
      if (body.length < 5) throw tooShort(number, body.length, 5);
      return { kind: 'stream', stream: readUint32(body, 1), bytes: body.subarray(5) };
    default:
      return { kind: 'unknown', number };
  }
}

function integer(bytes: Uint8Array, at: number): number {
  const value = readUint64(bytes, at);
  if (value > Number.MAX_SAFE_INTEGER) throw new CmdopError('bad-frame', `the number ${value} in a frame exceeds 2^53`);
  return value;
}

const badLength = (length: number) =>
  new CmdopError('bad-frame', `a STREAM frame of ${length} bytes, allowed are 5 to ${MAX_FRAME_BYTES}: the stream is closed`);

function tooShort(kind: number, got: number, needed: number): CmdopError {
  return new CmdopError('bad-frame', `frame of kind ${kind} has ${got} bytes, needs at least ${needed}: the stream is closed`);
}

/** Most bytes of login noise that may precede MAGIC. */
export const MAX_NOISE_BYTES = 64 * 1024;

/**
 * Finds MAGIC at the start of a stream, after at most `MAX_NOISE_BYTES` of login noise.
 * `push` returns the bytes after it once it was seen, null before. Throws `bad-magic` when it cannot come any more.
 */
export class MagicReader {
  #seen = new Uint8Array(0);
  readonly #maxNoiseBytes: number;

  constructor(maxNoiseBytes = 0) {
    this.#maxNoiseBytes = maxNoiseBytes;
  }

  push(chunk: Uint8Array): Uint8Array | null {
    const seen = new Uint8Array(this.#seen.length + chunk.length);
    seen.set(this.#seen);
    seen.set(chunk, this.#seen.length);
    this.#seen = seen;
    const last = Math.min(this.#maxNoiseBytes, seen.length - MAGIC.length);
    for (let at = 0; at <= last; at++) {
      if (MAGIC.every((byte, i) => seen[at + i] === byte)) return seen.subarray(at + MAGIC.length);
    }
    const canStillCome =
      this.#maxNoiseBytes > 0 ? seen.length < this.#maxNoiseBytes + MAGIC.length : seen.every((byte, i) => byte === MAGIC[i]);
    if (canStillCome) return null;
    throw new CmdopError(
      'bad-magic',
      `the other side does not speak cmdop; it said ${JSON.stringify(decoder.decode(seen.subarray(0, 200)))}`,
    );
  }
}

/** A whole stream from its first byte: MAGIC, then frames. Throws what both readers throw. */
export class FrameReader {
  readonly #frames = new FrameDecoder();
  #magic: MagicReader | null;

  constructor(maxNoiseBytes = 0) {
    this.#magic = new MagicReader(maxNoiseBytes);
  }

  push(chunk: Uint8Array): Iterable<Frame> {
    let rest: Uint8Array | null = chunk;
    if (this.#magic) {
      rest = this.#magic.push(chunk);
      if (!rest) return [];
      this.#magic = null;
    }
    return this.#frames.push(rest);
  }
}
