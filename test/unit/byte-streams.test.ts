/** Byte streams of one connection: two tables with a wire of real frames between them. */
import { expect, test } from 'vitest';
import { encodeMessage, FRAME, FrameDecoder } from '#protocol/frames.ts';
import { STREAM_EVENTS, type StreamEvent } from '#protocol/streams.ts';
import { type ByteStream, STREAM_WINDOW_BYTES } from '#session/byte-stream.ts';
import { ByteStreams, MAX_STREAMS } from '#session/byte-streams.ts';
import { randomFrom } from '../contract/random-streams.ts';

const KIB = 1024;
/** Time stands still: what arrives is there at once. */
const STILL = { now: () => 0, wallNow: () => 0, after: () => () => {} };

/** What one side has sent and the other has not got: frames, as on a socket that somebody reads. */
class Wire {
  readonly #parts: Uint8Array[] = [];
  readonly #decoder = new FrameDecoder();
  queuedBytes = 0;
  /** Bytes that lay here at most. */
  most = 0;
  to: ByteStreams | null = null;
  from: ByteStreams | null = null;

  send(...parts: Uint8Array[]): void {
    for (const part of parts) {
      this.#parts.push(part.slice());
      this.queuedBytes += part.length;
    }
    this.most = Math.max(this.most, this.queuedBytes);
  }

  tellStream(event: StreamEvent): void {
    this.send(encodeMessage(event));
  }

  /** Delivers everything that is here now; the kinds of frames, in order. */
  deliver(): number[] {
    const kinds: number[] = [];
    const parts = this.#parts.splice(0);
    this.queuedBytes = 0;
    for (const part of parts) {
      for (const frame of this.#decoder.push(part)) {
        if (frame.kind === 'stream') {
          kinds.push(FRAME.stream);
          this.to?.received(frame.stream, frame.bytes);
        } else if (frame.kind === 'message') {
          kinds.push(FRAME.message);
          const { event, params } = JSON.parse(frame.json) as StreamEvent;
          this.to?.told({ event, params: STREAM_EVENTS[event].parse(params) } as StreamEvent);
        } else kinds.push(FRAME.output);
      }
    }
    this.from?.drained();
    return kinds;
  }
}

function world() {
  const [down, up] = [new Wire(), new Wire()];
  const [host, client] = [new ByteStreams(down, STILL), new ByteStreams(up, STILL)];
  Object.assign(down, { from: host, to: client });
  Object.assign(up, { from: client, to: host });
  // The link is known: as much goes as the queue takes.
  const first = host.open();
  client.adopt(first.id).end();
  first.write(new Uint8Array(1));
  first.end();
  for (const wire of [down, up, down, up]) wire.deliver();
  down.most = 0;
  up.most = 0;
  return {
    ...{ down, up, host, client },
    open: () => {
      const here = host.open();
      return { here, there: client.adopt(here.id) };
    },
    /** Until nothing moves any more. */
    settle: () => {
      while (down.queuedBytes + up.queuedBytes > 0) {
        down.deliver();
        up.deliver();
      }
    },
  };
}

/** Reads at once, or as much as `most` and then nothing. */
function reader(stream: ByteStream, most = Number.POSITIVE_INFINITY) {
  const heard = { bytes: [] as Uint8Array[], length: 0, ended: false, writable: 0, closed: null as string | null };
  stream.listen({
    received: (bytes) => {
      heard.bytes.push(bytes);
      heard.length += bytes.length;
      if (heard.length <= most) stream.used(bytes.length);
    },
    ended: () => {
      heard.ended = true;
    },
    writable: () => heard.writable++,
    closed: (error) => {
      heard.closed = error?.message ?? 'over';
    },
  });
  return heard;
}

const bytesOf = (length: number, from = 0) => Uint8Array.from({ length }, (_, at) => (from + at * 7 + (at >> 8)) & 0xff);

test('what is written comes out as it was, both ways, and each side ends on its own', () => {
  const { open, settle, host, client } = world();
  const { here, there } = open();
  const [atHost, atClient] = [reader(here), reader(there)];
  const [question, answer] = [bytesOf(3_000_000), bytesOf(5_000_000, 5)];
  there.write(question);
  there.end();
  settle();
  expect(Buffer.concat(atHost.bytes).equals(question)).toBe(true);
  expect([atHost.ended, atClient.closed]).toEqual([true, null]);
  here.write(answer);
  here.end();
  settle();
  expect(Buffer.concat(atClient.bytes).equals(answer)).toBe(true);
  expect([atHost.closed, atClient.closed, host.count, client.count]).toEqual(['over', 'over', 0, 0]);
});

test('a reader that stops gets its window and no more, while another stream goes on', () => {
  const { open, settle } = world();
  const [slow, fast] = [open(), open()];
  const [stopped, quick] = [reader(slow.there, 0), reader(fast.there)];
  expect(slow.here.write(new Uint8Array(3 * STREAM_WINDOW_BYTES))).toBe(false);
  fast.here.write(new Uint8Array(3 * STREAM_WINDOW_BYTES));
  settle();
  expect([stopped.length, quick.length]).toEqual([STREAM_WINDOW_BYTES, 3 * STREAM_WINDOW_BYTES]);
  slow.there.used(STREAM_WINDOW_BYTES);
  settle();
  expect(stopped.length).toBe(2 * STREAM_WINDOW_BYTES);
});

test('a frame of a terminal waits behind at most a short queue, however many streams flood', () => {
  const { open, down } = world();
  for (let n = 0; n < 50; n++) {
    const { here, there } = open();
    reader(there);
    here.write(new Uint8Array(STREAM_WINDOW_BYTES));
  }
  for (let round = 0; round < 100; round++) {
    expect(down.queuedBytes).toBeLessThan(330 * KIB);
    down.deliver();
  }
});

test('while a terminal fills the queue, a stream sends one frame each time it has emptied', () => {
  const { open, down } = world();
  const { here, there } = open();
  reader(there);
  down.queuedBytes = 400 * KIB; // the terminal's
  here.write(new Uint8Array(300 * KIB));
  expect(down.queuedBytes).toBe(400 * KIB);
  down.from?.drained();
  expect(down.queuedBytes).toBe(400 * KIB + 64 * KIB + 9);
});

test('streams take turns', () => {
  const { open, down, up } = world();
  const readers = Array.from({ length: 3 }, () => {
    const { here, there } = open();
    const heard = reader(there);
    here.write(new Uint8Array(900 * KIB));
    return heard;
  });
  down.deliver();
  up.deliver(); // what arrived is told, and as much goes as the queue takes
  down.deliver();
  down.deliver();
  const lengths = readers.map(({ length }) => length);
  expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(320 * KIB);
  expect(Math.min(...lengths)).toBeGreaterThan(0);
});

test('a writer that waits is told once there is room, and what it writes then keeps its order', () => {
  const { open, settle } = world();
  const { here, there } = open();
  const heard = reader(there);
  const writes = reader(here);
  const whole = bytesOf(4_000_000);
  let at = 0;
  while (at < whole.length) {
    const more = here.write(whole.subarray(at, at + 100_000));
    at += 100_000;
    if (!more) {
      const before = writes.writable;
      settle();
      expect(writes.writable).toBe(before + 1);
    }
  }
  settle();
  expect(Buffer.concat(heard.bytes).equals(whole)).toBe(true);
});

test('what came before anybody listens is delivered, with the end', () => {
  const { open, settle } = world();
  const { here, there } = open();
  here.write(bytesOf(100));
  here.end();
  settle();
  const heard = reader(there);
  expect([heard.length, heard.ended]).toEqual([100, true]);
});

test('a cut reaches the other side with its sentence, and what is still on its way is dropped', () => {
  const { open, settle, client } = world();
  const { here, there } = open();
  const [atHost, atClient] = [reader(here), reader(there)];
  here.write(bytesOf(100));
  there.reset('the program there went away');
  settle();
  expect([atHost.closed, atClient.closed]).toEqual(['the program there went away', 'the program there went away']);
  expect([atClient.length, client.count]).toEqual([0, 0]);
  expect(here.write(bytesOf(1))).toBe(true);
});

test('a stream that was opened as its connection ended is over', () => {
  const { open, host, client } = world();
  const { there } = open();
  const heard = reader(there);
  client.close({ message: 'gone' } as never);
  expect(heard.closed).toBe('gone');
  expect(reader(client.adopt(9)).closed).toBe('gone');
  expect(host.count).toBe(1);
});

test(`a connection has at most ${MAX_STREAMS} streams, and one that ends makes room`, () => {
  const { host } = world();
  const streams = Array.from({ length: MAX_STREAMS }, () => host.open());
  expect(() => host.open()).toThrow(expect.objectContaining({ code: 'stream-limit' }));
  streams[0]?.reset('enough');
  expect(host.open().isClosed).toBe(false);
});

test('a peer that sends more than its window, or after its end, loses that stream only', () => {
  const { host, up } = world();
  const [greedy, undead, calm] = [host.open(), host.open(), host.open()];
  const heard = [greedy, undead, calm].map((stream) => reader(stream, 0));
  host.received(greedy.id, new Uint8Array(STREAM_WINDOW_BYTES));
  host.received(greedy.id, new Uint8Array(1));
  host.told({ event: 'stream.end', params: { stream: undead.id } });
  host.received(undead.id, new Uint8Array(1));
  host.received(calm.id, new Uint8Array(1));
  expect(heard.map(({ closed }) => closed)).toEqual([
    'more bytes came than the window allows',
    'bytes came after the end of the stream',
    null,
  ]);
  expect(up.queuedBytes).toBe(0);
});

test('credit that nobody can have given is not believed', () => {
  const { host, down, up } = world();
  const stream = host.open();
  reader(stream);
  host.told({ event: 'stream.window', params: { stream: stream.id, bytes: Number.MAX_SAFE_INTEGER } });
  stream.write(new Uint8Array(3 * STREAM_WINDOW_BYTES));
  let sent = 0;
  while (down.queuedBytes > 0) {
    sent += down.deliver().length;
    up.deliver();
  }
  expect(sent).toBe(STREAM_WINDOW_BYTES / (64 * KIB));
});

test('writes, ends and cuts at random deliver a prefix of what was written, whole where it ended', () => {
  const text = bytesOf(300_000);
  for (let seed = 1; seed <= 20; seed++) {
    const random = randomFrom(seed);
    const { open, down, up, settle } = world();
    const all = Array.from({ length: 5 }, () => {
      const { here, there } = open();
      return { here, there, heard: reader(there), wrote: [] as Uint8Array[] };
    });
    for (let step = 0; step < 200; step++) {
      const each = all[Math.floor(random() * all.length)];
      if (!each) continue;
      const chance = random();
      if (chance < 0.5 && !each.here.isClosed) {
        const bytes = text.subarray(step, step + Math.floor(random() * 200_000));
        each.wrote.push(bytes);
        each.here.write(bytes);
      } else if (chance < 0.7) down.deliver();
      else if (chance < 0.9) up.deliver();
      else if (chance < 0.91) each.there.reset('cut');
    }
    for (const { here } of all) here.end();
    settle();
    for (const { there, heard, wrote } of all) {
      const whole = Buffer.concat(wrote);
      expect(whole.subarray(0, heard.length).equals(Buffer.concat(heard.bytes))).toBe(true);
      if (heard.ended) expect(heard.length).toBe(whole.length);
      there.end();
    }
  }
});
