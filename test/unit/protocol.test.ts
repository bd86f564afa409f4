/** Names, addresses, versions and messages of the protocol. */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { formatAddress, parseAddress } from '#protocol/address.ts';
import { CmdopError, toWireError } from '#protocol/errors.ts';
import { ID_ALPHABET, newId, newSessionId } from '#protocol/ids.ts';
import { METHODS } from '#protocol/messages.ts';
import { negotiate } from '#protocol/versions.ts';

test('ids are of their length and alphabet, and do not repeat', () => {
  const ids = Array.from({ length: 1000 }, () => newSessionId((n) => randomBytes(n)));
  expect(new Set(ids).size).toBe(1000);
  for (const id of ids) expect(id).toMatch(new RegExp(`^[${ID_ALPHABET}]{10}$`));
});

test('bytes that would make some characters likelier are dropped', () => {
  const bytes = [
    [255, 243, 0],
    [1, 2, 3],
  ];
  expect(newId(2, () => Uint8Array.from(bytes.shift() ?? []))).toBe('23');
});

describe('addresses', () => {
  test.each([
    [{ host: 'local', session: 'build' }, 'cmdop://local/build'],
    [{ host: 'ann@box:22', session: 'a b' }, 'cmdop://ann@box:22/a%20b'],
  ])('%j is %s, both ways', (address, text) => {
    expect(formatAddress(address)).toBe(text);
    expect(parseAddress(text)).toEqual(address);
  });

  test.each(['build', 'http://local/build', 'cmdop://local', 'cmdop://local/a/b', 'cmdop://%zz/a'])('%s is none', (text) => {
    expect(parseAddress(text)).toBeNull();
  });
});

describe('versions', () => {
  test('the highest common one', () => expect(negotiate({ min: 1, max: 3 }, { min: 2, max: 5 })).toBe(3));
  test('without one the error says which side to update', () => {
    expect(() => negotiate({ min: 1, max: 1 }, { min: 3, max: 4 })).toThrow(
      'the host speaks protocol 3–4, this client 1: this client is too old, update this client',
    );
    expect(() => negotiate({ min: 3, max: 4 }, { min: 1, max: 1 })).toThrow(/the host is too old, update cmdop on the machine/);
  });
});

test('readers ignore fields they do not know, and refuse values out of range', () => {
  expect(METHODS['session.attach'].params.safeParse({ session: 'a', future: 1 }).success).toBe(true);
  expect(METHODS['session.attach'].params.safeParse({ session: '' }).success).toBe(false);
  expect(METHODS['session.attach'].params.safeParse({ session: 'a', size: { cols: 0, rows: 1 } }).success).toBe(false);
  expect(METHODS['session.attach'].params.safeParse({ session: 'a', have: 2 ** 60 }).success).toBe(false);
});

test('an expected error crosses the wire with its sentence, a bug without its stack', () => {
  expect(toWireError(new CmdopError('busy', 'wait', { a: 1 }))).toEqual({ code: 'busy', message: 'wait', data: { a: 1 } });
  expect(toWireError(new TypeError('x is undefined'))).toMatchObject({ code: 'internal' });
});
