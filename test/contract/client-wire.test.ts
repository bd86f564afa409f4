/** The bytes between client and host, frozen: a change here breaks every older client. */
import { expect, test } from 'vitest';
import {
  encodeInput,
  encodeMessage,
  encodeOrigin,
  encodeOutputHeader,
  encodeSnapshotHeader,
  encodeStreamHeader,
  type Frame,
  FrameDecoder,
  MAGIC,
  MAX_FRAME_BYTES,
  MAX_INPUT_BYTES,
  MagicReader,
} from '#protocol/frames.ts';
import type { Channel, Epoch, Offset, Seq } from '#protocol/ids.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
/** Bytes as hex, whichever kind of array they are in. */
const comparable = (frame: Frame) => ({ ...frame, ...('bytes' in frame ? { bytes: hex(frame.bytes) } : {}) });
const decode = (...chunks: Uint8Array[]): Frame[] => {
  const decoder = new FrameDecoder();
  return chunks.flatMap((chunk) => [...decoder.push(chunk)]);
};

test('the magic is cmdop, zero, v1', () => expect(Buffer.from(MAGIC).toString('latin1')).toBe('cmdop\0v1'));

test('a message', () => {
  expect(hex(encodeMessage({ id: 1, method: 'ping', params: {} }))).toBe(
    '25000000007b226964223a312c226d6574686f64223a2270696e67222c22706172616d73223a7b7d7d',
  );
});

test('output, snapshot and input', () => {
  expect(hex(encodeOutputHeader(7 as Channel, 258 as Offset, 3))).toBe('1000000001070000000201000000000000');
  expect(hex(encodeSnapshotHeader(7 as Channel, 258 as Offset, 3))).toBe('1000000003070000000201000000000000');
  const unit = { channel: 7 as Channel, epoch: 2 as Epoch, seq: 9 as Seq, bytes: new TextEncoder().encode('ls\r') };
  expect(hex(encodeInput(unit))).toBe('1400000002070000000200000009000000000000006c730d');
});

test('how a client came, which a host that does not know it skips', () => {
  expect(hex(encodeOrigin({ kind: 'ssh', from: '::1' }))).toBe('1c000000047b226b696e64223a22737368222c2266726f6d223a223a3a31227d');
});

test('bytes of a stream, the same both ways', () => {
  expect(hex(encodeStreamHeader(258, 3))).toBe('080000000502010000');
  const [frame] = decode(encodeStreamHeader(2 ** 32 - 1, 3), Buffer.from('abc'));
  expect(frame && comparable(frame)).toEqual({ kind: 'stream', stream: 2 ** 32 - 1, bytes: hex(Buffer.from('abc')) });
  expect(() => encodeStreamHeader(1, MAX_FRAME_BYTES - 4)).toThrow(RangeError);
});

test('offsets are exact up to 2^53 and refused beyond', () => {
  const offset = Number.MAX_SAFE_INTEGER as Offset;
  const [frame] = decode(encodeOutputHeader(1 as Channel, offset, 0));
  expect(frame).toMatchObject({ kind: 'output', offset });
  const beyond = encodeOutputHeader(1 as Channel, offset, 0);
  beyond[15] = 0x20;
  expect(() => decode(beyond)).toThrow(/exceeds 2\^53/);
});

test('frames come out whole however they are cut', () => {
  const unit = { channel: 1 as Channel, epoch: 1 as Epoch, seq: 1 as Seq, bytes: new Uint8Array(100).fill(65) };
  const stream = Buffer.concat([encodeMessage({ event: 'a', params: {} }), encodeInput(unit), encodeMessage({ event: 'b', params: {} })]);
  const whole = decode(stream);
  expect(whole.map(({ kind }) => kind)).toEqual(['message', 'input', 'message']);
  for (let size = 1; size < stream.length; size++) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size));
    expect(decode(...chunks).map(comparable)).toEqual(whole.map(comparable));
  }
});

test('bytes of streams among other frames are the same however they are cut', () => {
  const frames = [1, 2, 70_000, 0, 5].flatMap((length, at) => [
    encodeStreamHeader(at + 1, length),
    new Uint8Array(length).fill(at + 1),
    encodeMessage({ event: 'a', params: { at } }),
  ]);
  const stream = Buffer.concat([encodeMessage({ event: 'first', params: {} }), ...frames]);
  const summed = (decoded: Frame[]) => {
    const bytes = new Map<number, number>();
    for (const frame of decoded) {
      if (frame.kind !== 'stream' || frame.bytes.length === 0) continue; // an empty one says nothing
      expect(frame.bytes.every((byte) => byte === frame.stream)).toBe(true);
      bytes.set(frame.stream, (bytes.get(frame.stream) ?? 0) + frame.bytes.length);
    }
    return { bytes: [...bytes], messages: decoded.flatMap((frame) => (frame.kind === 'message' ? [frame.json] : [])) };
  };
  const whole = summed(decode(stream));
  expect(whole.bytes).toEqual([
    [1, 1],
    [2, 2],
    [3, 70_000],
    [5, 5],
  ]);
  expect(whole.messages).toHaveLength(6);
  for (const size of [1, 2, 3, 4, 5, 7, 9, 10, 13, 64, 1000, 65_536]) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size));
    expect(summed(decode(...chunks))).toEqual(whole);
  }
});

test('an unknown kind is skipped, the next frame is read', () => {
  const unknown = Buffer.from('0300000063aabb', 'hex');
  expect(decode(unknown, encodeMessage({ event: 'a', params: {} })).map(({ kind }) => kind)).toEqual(['unknown', 'message']);
});

test.each([
  ['empty', '00000000'],
  ['too large', '01001000'],
  ['output too short', '0200000001aa'],
  ['input too short', '0200000002aa'],
  ['stream too short', '0200000005aa'],
  ['stream too short, in a longer chunk', '0400000005aabbccddeeff'],
  ['stream too large', '0100100005aabbccddee'],
])('a frame that is %s closes the stream with bad-frame', (_name, bytes) => {
  expect(() => decode(Buffer.from(bytes, 'hex'))).toThrow(expect.objectContaining({ code: 'bad-frame' }));
});

test('whole frames before a broken one in the same chunk still come', () => {
  const broken = Buffer.from('0200000001aa', 'hex');
  const kinds: string[] = [];
  const read = () => {
    for (const { kind } of new FrameDecoder().push(Buffer.concat([encodeMessage({ event: 'a', params: {} }), broken]))) kinds.push(kind);
  };
  expect(read).toThrow(expect.objectContaining({ code: 'bad-frame' }));
  expect(kinds).toEqual(['message']);
});

test('a frame holds 1 MiB and not more', () => {
  const unit = (length: number) => ({ channel: 1 as Channel, epoch: 1 as Epoch, seq: 1 as Seq, bytes: new Uint8Array(length) });
  expect(encodeInput(unit(MAX_INPUT_BYTES)).length).toBe(4 + MAX_FRAME_BYTES);
  expect(() => encodeInput(unit(MAX_INPUT_BYTES + 1))).toThrow(RangeError);
});

test('the magic is found after login noise, and its absence is shown with the noise', () => {
  const noise = new TextEncoder().encode('Welcome to Debian!\r\n');
  const reader = new MagicReader(64 * 1024);
  expect(reader.push(noise)).toBeNull();
  expect(hex(reader.push(Buffer.concat([MAGIC, Buffer.from('rest')])) ?? new Uint8Array())).toBe(hex(Buffer.from('rest')));
  expect(() => new MagicReader().push(noise)).toThrow(/does not speak cmdop; it said "Welcome to Debian!/);
  expect(() => new MagicReader(8).push(new Uint8Array(17))).toThrow(expect.objectContaining({ code: 'bad-magic' }));
});
