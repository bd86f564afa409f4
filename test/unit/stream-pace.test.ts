/** What streams keep on the way, on links of every kind: full, and with little that waits. A link here is its rate and its length. */
import { describe, expect, test } from 'vitest';
import { StreamPace } from '#session/stream-pace.ts';

const KB = 1000;

type Link = { bytesPerMs: number; delayMs: number };
type Seen = { deliveredBytes: number; longestQueueMs: number };

/** Sends all that may be sent for `ms` of the link's time, after `warmMs` that do not count. What arrives is told every 20 ms or 256 KiB. */
function flood(
  linkAt: (now: number) => Link,
  { ms, warmMs, pace = new StreamPace() }: { ms: number; warmMs: number; pace?: StreamPace },
): Seen {
  const going: { bytes: number; at: number }[] = [];
  const told: { total: number; at: number }[] = [];
  const seen = { deliveredBytes: 0, longestQueueMs: 0 };
  let freeAt = 0;
  let arrived = 0;
  let toldBytes = 0;
  let toldAt = 0;
  for (let now = 0; now < ms; now += 0.5) {
    const { bytesPerMs, delayMs } = linkAt(now);
    while (pace.room > 0) {
      const bytes = Math.min(pace.isHeard ? 64 * 1024 : 4096, Math.max(4096, pace.room));
      pace.sent(bytes, now);
      freeAt = Math.max(freeAt, now) + bytes / bytesPerMs;
      going.push({ bytes, at: freeAt + delayMs });
    }
    if (now > warmMs) seen.longestQueueMs = Math.max(seen.longestQueueMs, freeAt - now);
    while (going[0] && going[0].at <= now) {
      const { bytes = 0 } = going.shift() ?? {};
      arrived += bytes;
      if (now > warmMs) seen.deliveredBytes += bytes;
    }
    if (arrived > toldBytes && (now - toldAt >= 20 || arrived - toldBytes >= Math.min(256 * 1024, toldBytes))) {
      toldBytes = arrived;
      toldAt = now;
      told.push({ total: arrived, at: now + delayMs });
    }
    while (told[0] && told[0].at <= now) pace.arrived(told.shift()?.total ?? 0, now);
  }
  return seen;
}

describe('streams that flood a link', () => {
  test.each([
    { kbPerSecond: 256, delayMs: 20 },
    { kbPerSecond: 1_000, delayMs: 2 },
    { kbPerSecond: 1_000, delayMs: 150 },
    { kbPerSecond: 12_500, delayMs: 40 },
    { kbPerSecond: 100_000, delayMs: 0.2 },
  ])('of $kbPerSecond kB/s, $delayMs ms long, fill it, and little waits', ({ kbPerSecond, delayMs }) => {
    const link = { bytesPerMs: (kbPerSecond * KB) / 1000, delayMs };
    const [ms, warmMs] = [42_000, 2_000];
    const { deliveredBytes, longestQueueMs } = flood(() => link, { ms, warmMs });
    expect(deliveredBytes).toBeGreaterThan(0.85 * link.bytesPerMs * (ms - warmMs));
    expect(longestQueueMs).toBeLessThan(160 + 2 * delayMs);
  });

  test('that becomes narrow keep little on the way again soon, and take it all when it is wide again', () => {
    const wide = { bytesPerMs: 10_000, delayMs: 10 };
    const narrow = { bytesPerMs: 250, delayMs: 10 };
    const change = 5_000;
    const narrowed = flood((now) => (now < change ? wide : narrow), { ms: 25_000, warmMs: change + 9_000 });
    expect(narrowed.longestQueueMs).toBeLessThan(160);
    const widened = flood((now) => (now < change ? narrow : wide), { ms: 20_000, warmMs: change + 1_500 });
    expect(widened.deliveredBytes).toBeGreaterThan(0.85 * wide.bytesPerMs * (20_000 - change - 1_500));
  });
});

test('before anything is told 16 KiB go, and everything if the other side never tells', () => {
  const pace = new StreamPace();
  expect(pace.room).toBe(16 * 1024);
  pace.sent(16 * 1024, 0);
  expect(pace.room).toBe(0);
  pace.unheard();
  expect(pace.room).toBe(Number.POSITIVE_INFINITY);
});

test('nobody makes room by telling what never went, or less than before', () => {
  const pace = new StreamPace();
  pace.sent(1000, 0);
  pace.arrived(1001, 5);
  expect(pace.room).toBe(16 * 1024 - 1000);
  pace.arrived(1000, 5);
  pace.sent(1000, 6);
  const { room } = pace;
  pace.arrived(500, 7);
  expect(pace.room).toBe(room);
});
