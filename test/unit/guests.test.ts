/** What strangers at the door of SSH guests cost is bounded, and what they tried is told in few words. */
import { describe, expect, test } from 'vitest';
import { networkOf } from '#local/networks.ts';
import { Doorkeeper, MAX_GUESTS } from '../../main/guests/doorkeeper.ts';
import { newPrivateKey, privateKeyIn } from '../../main/guests/host-key.ts';
import { TurnedAway } from '../../main/guests/turned-away.ts';
import { LineReader } from '../../main/guests/wire.ts';

/** How many of `tries` connections from `address` are heard at once. */
const heard = (doorkeeper: Doorkeeper, address: string, tries: number, now = 0) =>
  Array.from({ length: tries }, () => doorkeeper.admits(address, now)).filter(Boolean).length;

describe('strangers at the door', () => {
  test('from one address 16 are heard at a time', () => expect(heard(new Doorkeeper(), '10.0.0.1', 1000)).toBe(16));

  test('from everywhere 64 are', () => {
    const doorkeeper = new Doorkeeper();
    const all = Array.from({ length: 1000 }, (_, n) => heard(doorkeeper, `10.0.${n >> 8}.${n & 255}`, 1));
    expect(all.filter((each) => each === 1)).toHaveLength(64);
  });

  test('an address whose connections prove nothing is heard once a second after 40', () => {
    const doorkeeper = new Doorkeeper();
    let count = 0;
    for (let n = 0; n < 1000; n++) {
      if (!doorkeeper.admits('10.0.0.1', 0)) continue;
      count++;
      doorkeeper.left('10.0.0.1', 0);
    }
    expect(count).toBe(40);
    expect(doorkeeper.admits('10.0.0.1', 900)).toBe(false);
    expect(doorkeeper.admits('10.0.0.1', 1000)).toBe(true);
    expect(doorkeeper.admits('10.0.0.2', 900)).toBe(true);
  });

  test('who proves a key makes room for the next, and there is an end of guests', () => {
    const doorkeeper = new Doorkeeper();
    for (let n = 0; n < MAX_GUESTS; n++) {
      expect(doorkeeper.admits('10.0.0.1', 0)).toBe(true);
      expect(doorkeeper.proved('10.0.0.1', 0)).toBe(true);
    }
    expect(doorkeeper.admits('10.0.0.1', 0)).toBe(true);
    expect(doorkeeper.proved('10.0.0.1', 0)).toBe(false);
    doorkeeper.guestLeft();
    expect(doorkeeper.proved('10.0.0.1', 0)).toBe(true);
  });

  test('a flood of addresses does not make it forget those that wait', () => {
    const doorkeeper = new Doorkeeper();
    expect(heard(doorkeeper, '10.0.0.1', 16)).toBe(16);
    for (let n = 0; n < 5000; n++) if (doorkeeper.admits(`11.0.${n >> 8}.${n & 255}`, 0)) doorkeeper.left(`11.0.${n >> 8}.${n & 255}`, 0);
    expect(doorkeeper.admits('10.0.0.1', 0)).toBe(false);
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
