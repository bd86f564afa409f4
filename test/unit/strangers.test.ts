/** Who goes when too many have proven nothing: never those who have, and of one address its own. */
import { expect, test } from 'vitest';
import { isLoopback } from '#local/networks.ts';
import { Strangers } from '#local/strangers.ts';

function crowd() {
  const closed: string[] = [];
  const why: string[] = [];
  const strangers = new Strangers({ refused: (message) => why.push(message) });
  const come = (name: string, from?: string) => {
    const stranger = { close: () => closed.push(name) };
    strangers.came(stranger, from);
    return stranger;
  };
  return { strangers, come, closed, why };
}

test('of more than 64 the oldest goes, and who has proven something is none of them', () => {
  const { strangers, come, closed, why } = crowd();
  strangers.left(come('guest'));
  for (let n = 0; n < 66; n++) come(`${n}`);
  expect(closed).toEqual(['0', '1']);
  expect(strangers.size).toBe(64);
  expect(why[0]).toContain('more than 64 connections');
});

test('one address has 16 places, and takes none from others', () => {
  const { come, closed, why, strangers } = crowd();
  come('other', '203.0.113.7');
  for (let n = 0; n < 1_000; n++) come(`${n}`, '203.0.113.66');
  expect(closed).toHaveLength(1_000 - 16);
  expect(closed).not.toContain('other');
  expect(strangers.size).toBe(17);
  expect(why[0]).toBe('more than 16 connections at a time from 203.0.113.66 proved nothing');
});

test.each([
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['::ffff:127.0.0.1', true],
  ['::1', true],
  ['10.127.0.1', false],
  ['::ffff:10.0.0.1', false],
  ['2001:db8::1', false],
  ['::12', false],
])('%s is this machine: %s', (address, isIt) => expect(isLoopback(address)).toBe(isIt));
