/** Hostile peers for byte streams. */
import { CmdopError } from '#protocol/errors.ts';
import { STREAM_WINDOW_BYTES } from '#session/byte-stream.ts';
import { ByteStreams } from '#session/byte-streams.ts';
import { below, pick, type Random } from './mutate.ts';

/** A peer that sends, ends, cuts and gives credit as it likes gets no more than a window, and hears of every fault once. */
export function streams(random: Random): void {
  let sent = 0;
  const port = {
    queuedBytes: 0,
    send: (_header: Uint8Array, bytes?: Uint8Array) => {
      sent += bytes?.length ?? 0;
    },
    tellStream: () => {},
  };
  const table = new ByteStreams(port, { now: () => 0, wallNow: () => 0, after: () => () => {} });
  let given = 0;
  let closed = 0;
  const opened = Array.from({ length: 3 }, () => table.open());
  for (const stream of opened) {
    let got = 0;
    stream.listen({
      received: (bytes) => {
        got += bytes.length;
        check(got <= STREAM_WINDOW_BYTES, 'more than a window was delivered');
      },
      ended: () => {},
      writable: () => {},
      closed: () => closed++,
    });
    stream.write(new Uint8Array(2 * STREAM_WINDOW_BYTES));
  }
  for (let left = 20; left > 0; left--) {
    const stream = below(random, 5);
    const bytes = pick(random, [0, 1, 2 ** 19, 2 ** 20, Number.MAX_SAFE_INTEGER]);
    const what = below(random, 5);
    if (what === 0) table.received(stream, new Uint8Array(bytes > STREAM_WINDOW_BYTES ? 9 : bytes));
    else if (what === 1) {
      table.told({ event: 'stream.window', params: { stream, bytes } });
      given += Math.min(bytes, STREAM_WINDOW_BYTES);
    } else if (what === 2) table.told({ event: 'stream.end', params: { stream } });
    else if (what === 3) table.told({ event: 'streams.arrived', params: { bytes } });
    else table.told({ event: 'stream.reset', params: { stream, message: 'x' } });
  }
  check(sent <= 3 * STREAM_WINDOW_BYTES + given, 'more was sent than credit was given');
  table.close(new CmdopError('disconnected', 'over'));
  check(closed === 3 && table.count === 0, `${closed} of 3 streams were told of their end`);
}

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}
