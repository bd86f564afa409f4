/** The bytes between host and keeper, frozen: a keeper of any age must be adopted by every later host. */
import { expect, test } from 'vitest';
import type { ClientId, Offset, Seq } from '#protocol/ids.ts';
import {
  encodeApplied,
  encodeDropped,
  encodeEnding,
  encodeExit,
  encodeKeeperHello,
  encodeOutputHeader,
  encodeRefused,
  encodeToKeeper,
  FromKeeperDecoder,
  ToKeeperDecoder,
} from '../../main/keeper/wire.ts';
import type { ToKeeper } from '../../main/keeper/wire-messages.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const client = 'c1' as ClientId;
/** Bytes as hex, whichever kind of array they are in. */
const comparable = (message: ToKeeper | undefined) => ({
  ...message,
  ...(message && 'bytes' in message ? { bytes: hex(message.bytes) } : {}),
});

const TO_KEEPER: [ToKeeper, string][] = [
  [{ kind: 'hello', wire: 1, from: 5 as Offset }, '14000000017b2277697265223a312c2266726f6d223a357d'],
  [{ kind: 'write', client, seq: 3 as Seq, bytes: Buffer.from('a') }, '0d000000020263310300000000000000' + '61'],
  [{ kind: 'write', client: '', seq: 0 as Seq, bytes: Buffer.from('a') }, '0b00000002000000000000000000' + '61'],
  [{ kind: 'resize', cols: 80, rows: 24 }, '050000000350001800'],
  [{ kind: 'ack', offset: 258 as Offset }, '09000000040201000000000000'],
  [{ kind: 'signal', name: 'SIGINT' }, '0700000005534947494e54'],
  [{ kind: 'release' }, '0100000006'],
  [{ kind: 'forget', client }, '03000000076331'],
  [{ kind: 'note', bytes: Buffer.from('n') }, '02000000086e'],
  [{ kind: 'urgent', bytes: Buffer.from([3]) }, '020000000903'],
  [{ kind: 'drop', clients: [client] }, '130000000a7b22636c69656e7473223a5b226331225d7d'],
  [{ kind: 'drop', clients: null }, '110000000a7b22636c69656e7473223a6e756c6c7d'],
  [{ kind: 'limit', offset: 258 as Offset }, '090000000e0201000000000000'],
  [{ kind: 'limit', offset: null }, '090000000effffffffffffffff'],
];

test.each(TO_KEEPER)('host → keeper: %j', (message, bytes) => {
  expect(hex(encodeToKeeper(message))).toBe(bytes);
  const [decoded] = [...new ToKeeperDecoder().push(Buffer.from(bytes, 'hex'))];
  expect(comparable(decoded)).toEqual(comparable(message));
});

test('keeper → host', () => {
  expect(hex(encodeOutputHeader(258 as Offset, 1))).toBe('0a000000020201000000000000');
  expect(hex(encodeApplied(client, 3 as Seq))).toBe('0c000000030263310300000000000000');
  expect(hex(encodeExit({ code: 0, signal: null }))).toBe('19000000047b22636f6465223a302c227369676e616c223a6e756c6c7d');
  const dropped = '190000000' + '57b22756e697473223a5b5b226331222c332c352c305d5d7d';
  expect(hex(encodeDropped([[client, 3 as Seq, 5 as Seq, 0]]))).toBe(dropped);
  expect([...new FromKeeperDecoder().push(Buffer.from(dropped, 'hex'))]).toEqual([{ kind: 'dropped', units: [[client, 3, 5, 0]] }]);
  const refused = '0c000000070263310300000000000000';
  expect(hex(encodeRefused(client, 3 as Seq))).toBe(refused);
  expect([...new FromKeeperDecoder().push(Buffer.from(refused, 'hex'))]).toEqual([{ kind: 'refused', client, seq: 3 }]);
  expect(hex(encodeEnding())).toBe('0100000006');
  expect([...new FromKeeperDecoder().push(encodeEnding())]).toEqual([{ kind: 'ending' }]);
});

test('a hello of a keeper of version 1 is read', () => {
  const hello = {
    wire: 1,
    session: 's',
    keeperPid: 1,
    shellPid: 2,
    start: 3,
    end: 4,
    cols: 80,
    rows: 24,
    ledger: [[client, { accepted: 2 as Seq, applied: 1 as Seq }]] as [ClientId, { accepted: Seq; applied: Seq }][],
    exit: null,
    meta: { a: 1 },
    note: '',
  };
  const [decoded] = [...new FromKeeperDecoder().push(encodeKeeperHello(hello))];
  expect(decoded).toEqual({ kind: 'hello', hello });
});

test('units of clients in turn keep their names, and one that is cut off breaks the link', () => {
  const names = ['c1', 'c2', 'client23456789bc', 'c1', ''] as (ClientId | '')[];
  const decoder = new ToKeeperDecoder();
  const units = names.map((name, seq) => encodeToKeeper({ kind: 'write', client: name, seq: seq as Seq, bytes: Buffer.from([seq]) }));
  expect(units.flatMap((unit) => [...decoder.push(unit)]).map((unit) => unit.kind === 'write' && unit.client)).toEqual(names);
  expect(() => [...new ToKeeperDecoder().push(Buffer.from('0500000002026331aa', 'hex'))]).toThrow(RangeError);
  expect(() => [...new FromKeeperDecoder().push(Buffer.from('0500000003026331aa', 'hex'))]).toThrow(RangeError);
});

test('kinds of a later version are skipped', () => {
  const later = Buffer.from('0200000063aa', 'hex');
  expect([...new ToKeeperDecoder().push(Buffer.concat([later, encodeToKeeper({ kind: 'release' })]))]).toEqual([{ kind: 'release' }]);
  expect([...new FromKeeperDecoder().push(later)]).toEqual([]);
});

test('output comes in pieces with their own offsets, however the stream is cut', () => {
  const payload = Uint8Array.from({ length: 300 }, (_, index) => index % 251);
  const part = (from: number, to: number) => [encodeOutputHeader(from as Offset, to - from), payload.subarray(from, to)];
  const applied = encodeApplied('client23456789bc' as ClientId, 7 as Seq);
  const stream = Buffer.concat([...part(0, 100), applied, ...part(100, 101), ...part(101, 300), applied]);
  for (let cut = 1; cut <= stream.length; cut++) {
    const decoder = new FromKeeperDecoder();
    const output: number[] = [];
    const kinds: string[] = [];
    for (let at = 0; at < stream.length; at += cut) {
      for (const frame of decoder.push(stream.subarray(at, at + cut))) {
        if (kinds.at(-1) !== frame.kind) kinds.push(frame.kind);
        if (frame.kind !== 'output') continue;
        expect(frame.offset).toBe(output.length);
        output.push(...frame.bytes);
      }
    }
    expect(output).toEqual([...payload]);
    expect(kinds).toEqual(['output', 'applied', 'output', 'applied']);
  }
});
