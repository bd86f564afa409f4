/** How long a keystroke's echo takes: one byte typed, until it came back from a program in raw mode. */
import { awaken, type Peer, pause, Watch } from './peer.ts';
import { percentile } from './statistics.ts';

/** `cat` has the least latency of its own of any program that echoes. */
const SCRIPT = 'stty -echo; read x; stty raw; printf READY; exec cat';
/** Neither occurs in the sequences that a multiplexer draws with. */
const KEYS = ['%', '+'];
/** Typed before it counts: buffers grow, code is compiled. */
const WARM_UP = 300;
/** After the session's start, milliseconds: what a host does behind it (the next keeper) is another figure's. */
const SETTLE_MS = 1_000;
/** Between keystrokes, milliseconds: everyone goes back to sleep, as between a person's keys. */
const QUIET_MS = 1;

/** Microseconds. */
export async function measureEcho(peer: Peer, { keys }: { keys: number }): Promise<{ p50: number; p99: number }> {
  const session = await peer.start(SCRIPT);
  const watch = new Watch();
  const view = await session.attach(watch.received);
  await awaken(view, watch);
  await pause(SETTLE_MS);
  const times: number[] = [];
  for (let n = 0; n < WARM_UP + keys; n++) {
    await pause(QUIET_MS);
    const key = KEYS[n % KEYS.length] ?? '';
    const echoed = watch.until(key);
    const typedAt = performance.now();
    view.type(key);
    const seenAt = await echoed;
    if (n >= WARM_UP) times.push((seenAt - typedAt) * 1000);
  }
  await session.end();
  times.sort((a, b) => a - b);
  return { p50: percentile(times, 50), p99: percentile(times, 99) };
}
