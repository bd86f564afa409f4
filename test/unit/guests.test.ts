/** What strangers at the door of SSH guests cost is bounded, and what they tried is told in few words. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { networkOf } from '#local/networks.ts';
import { Doorkeeper, MAX_GUESTS } from '../../main/guests/doorkeeper.ts';
import { newPrivateKey, privateKeyIn } from '../../main/guests/host-key.ts';
import { TurnedAway } from '../../main/guests/turned-away.ts';
import { LineReader } from '../../main/guests/wire.ts';

type Stranger = { close(): void; isHeard: boolean; isOut: boolean };

function door() {
  const doorkeeper = new Doorkeeper(() => Date.now());
  const come = (address: string): Stranger => {
    const stranger: Stranger = {
      isHeard: false,
      isOut: false,
      close: () => {
        stranger.isOut = true;
        doorkeeper.left(stranger);
      },
    };
    doorkeeper.came(stranger, address, () => {
      stranger.isHeard = true;
    });
    return stranger;
  };
  const crowd = (count: number, address: (n: number) => string) => Array.from({ length: count }, (_, n) => come(address(n)));
  return { doorkeeper, come, crowd };
}
const here = (strangers: readonly Stranger[]) => strangers.filter(({ isOut }) => !isOut).length;

describe('strangers at the door', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  test.each([
    ['one address', () => '10.0.0.1', { waiting: 16, heard: 16 }],
    ['this machine', () => '127.0.0.1', { waiting: 1024, heard: 512 }],
    ['everywhere', (n: number) => `10.0.${n >> 8}.${n & 255}`, { waiting: 1024, heard: 512 }],
  ])('of a crowd from %s so many are here at a time, and whoever comes last', async (_, address, most) => {
    const { come, crowd } = door();
    const all = crowd(2000, address);
    expect(here(all.filter(({ isHeard }) => !isHeard))).toBe(most.waiting);
    const guest = come(address(1));
    await vi.advanceTimersByTimeAsync(40);
    expect(guest).toMatchObject({ isHeard: true, isOut: false });
    await vi.advanceTimersByTimeAsync(20 * 1024);
    expect(here(all)).toBeLessThanOrEqual(most.heard);
    expect(here(all.filter(({ isHeard }) => !isHeard))).toBe(0);
  });

  test.each([
    ['among a crowd', 511],
    ['behind a crowd', 0],
  ])('who comes %s is heard though the next crowd is there a second later', async (_, after) => {
    const { come, crowd } = door();
    const before = crowd(511 - (after >> 1), () => '127.0.0.1');
    const guest = come('127.0.0.1');
    crowd(after >> 1, () => '127.0.0.1');
    await vi.advanceTimersByTimeAsync(1_000);
    crowd(489, () => '127.0.0.1'); // those for whom the kernel had no room
    await vi.advanceTimersByTimeAsync(4_000);
    expect(guest.isHeard).toBe(true);
    expect(before.every(({ isHeard }) => isHeard)).toBe(true);
  });

  test('a crowd takes no place from another address', () => {
    const { come, crowd } = door();
    const guest = come('10.0.0.2');
    crowd(1000, () => '10.0.0.1');
    expect(guest).toMatchObject({ isHeard: true, isOut: false });
  });

  test('of those that come from elsewhere and go again fifty a second are heard after forty', async () => {
    const { doorkeeper, come } = door();
    let heard = 0;
    for (let ms = 0; ms < 1_000; ms++) {
      const stranger = come('10.0.0.1');
      if (ms % 4 === 0) await vi.advanceTimersByTimeAsync(4);
      if (stranger.isHeard) heard++;
      doorkeeper.left(stranger);
    }
    expect(heard).toBeGreaterThan(40);
    expect(heard).toBeLessThanOrEqual(40 + 50 + 1);
  });

  test('who proves a key makes room for the next, and there is an end of guests', () => {
    const { doorkeeper, come } = door();
    for (let n = 0; n < MAX_GUESTS; n++) expect(doorkeeper.proved(come('10.0.0.1'))).toBe(true);
    const last = come('10.0.0.1');
    expect(doorkeeper.proved(last)).toBe(false);
    doorkeeper.guestLeft();
    expect(doorkeeper.proved(last)).toBe(true);
  });

  test.each([
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0db8:0001::9', '2001:db8:1:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
  ])('%s is counted as %s', (address, network) => expect(networkOf(address)).toBe(network));
});

test('a host key that was made wrong is made again', () => {
  const right = newPrivateKey();
  const made = ['no key', right.replace(/[A-Za-z]{20}/, 'A'.repeat(20)), right];
  expect(newPrivateKey(() => made.shift() ?? '')).toBe(right);
  expect(privateKeyIn(right)?.type).toBe('ssh-ed25519');
});

test('what was turned away is counted, with a few examples', () => {
  const turnedAway = new TurnedAway('here');
  expect(turnedAway.isEmpty).toBe(true);
  for (let n = 0; n < 500; n++) turnedAway.unheard(`10.0.0.${n % 20}`, n);
  for (let n = 0; n < 30; n++) turnedAway.unproved({ address: '10.0.0.1', keys: [`SHA256:${n}`], user: 'x'.repeat(500) }, 1000);
  const told = turnedAway.take(2000);
  expect(told).toMatchObject({ unheard: 500, unproved: 30, sinceMs: 2000, users: ['x'.repeat(64)] });
  expect(told.addresses).toHaveLength(8);
  expect(told.keys).toHaveLength(8);
  expect(turnedAway.isEmpty).toBe(true);
});

test('a line is told once it is whole, and one without an end is refused', () => {
  const lines = new LineReader();
  expect(lines.push('{"a"')).toEqual([]);
  expect(lines.push(':1}\n{}\n{')).toEqual(['{"a":1}', '{}']);
  expect(() => lines.push('x'.repeat(2 * 1024 * 1024))).toThrow('does not end');
});
