/** What a host that is broken or an enemy could say to a keeper, and what it could be told to start, from a seed. */

import { encodeInput } from '#protocol/frames.ts';
import type { Channel, Epoch, Seq } from '#protocol/ids.ts';
import type { KeeperSpec } from '../../../main/keeper/spec.ts';
import { MAX_KEEPER_FRAME_BYTES } from '../../../main/keeper/wire.ts';
import { below, bytesOf, hostileJson, joined, mutate, pick, type Random } from './mutate.ts';

const ENDS = [0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];

export function frameOf(kind: number, ...payload: (Uint8Array | string)[]): Buffer {
  const bytes = Buffer.concat(payload.map((part) => Buffer.from(part as string)));
  const head = Buffer.alloc(5);
  head.writeUInt32LE(1 + bytes.length);
  head[4] = kind;
  return Buffer.concat([head, bytes]);
}

function uint64(random: Random): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(random() < 0.7 ? BigInt(below(random, 100_000)) : pick(random, ENDS));
  return bytes;
}

/** Few enough that what HELLO says of them is not too long for its frame. */
const CLIENTS = ['', 'ann', 'bot', '"\\\u0001', 'ü😀', 'n'.repeat(255)].concat(Array.from({ length: 60 }, (_, n) => `client-${n}`));
/** As bytes: also what is not UTF-8, and 255 of which need more than 255 in UTF-8. */
const NAMES = [...CLIENTS.map((name) => Buffer.from(name)), Buffer.alloc(255, 0xff), Buffer.alloc(255, 1), Buffer.of(0xed, 0xa0, 0x80)];

const length = (random: Random) => pick(random, [0, 1, 8, 100, 100, 1000, 5000, random() < 0.05 ? 200_000 : 3]);

/** Right but for one in thirty: what is broken ends its connection. */
function dropJson(random: Random): string {
  const clients = Array.from({ length: below(random, 5) }, () => pick(random, CLIENTS));
  if (random() < 0.03)
    return pick(random, [hostileJson(random), `{"clients":${hostileJson(random)}}`, '{"clients":["a', '{"clients":["\\u12', '{}']);
  if (random() < 0.01) return `{"clients":[${'"",'.repeat(below(random, 100_000))}"ann"]}`;
  const more = `{"more":[{}, {"a": ["\\u0000", 1e3, true]}],"clients":${JSON.stringify(clients)}}`;
  return pick(random, [JSON.stringify({ clients }), more, '{"clients":null}', '{"clients":["\\ud800\\ud800","\\u00e9","\\udc00"]}']);
}

/** One frame, whole, with odd values. */
export function oddFrame(random: Random): Buffer {
  const name = pick(random, NAMES);
  switch (below(random, 15)) {
    case 0:
      return frameOf(1, random() < 0.1 ? hostileJson(random) : '{"wire":1,"from":0}');
    case 1:
      return frameOf(3, bytesOf(random, 4), random() < 0.1 ? 'more' : '');
    case 2:
      return frameOf(3, pick(random, ['\0\0\0\0', Buffer.alloc(4, 255), Buffer.of(80, 0, 24, 0)]));
    case 3:
    case 4:
      return frameOf(4, uint64(random));
    case 5:
      return frameOf(5, pick(random, ['SIGWINCH', 'SIGCONT', '', 'SIGNONE', 'SIGURG\0', 's'.repeat(1000)]));
    case 6:
      return frameOf(pick(random, [6, 0, 11, 12, 13, 77, 255]), bytesOf(random, below(random, 40)));
    case 7:
      return frameOf(7, random() < 0.1 ? bytesOf(random, 300) : name);
    case 8:
      return frameOf(8, Buffer.alloc(pick(random, [0, 1, 2, 3, 1000, 65_536, 65_537]), 'n'));
    case 9:
      return frameOf(9, Buffer.alloc(length(random), 'u'));
    case 10:
    case 11:
      return frameOf(10, dropJson(random));
    case 12:
      return frameOf(11, Buffer.of(name.length), name, bytesOf(random, pick(random, [23, 24, 24, 24, 25])));
    default:
      return frameOf(2, Buffer.of(name.length), name, uint64(random), Buffer.alloc(length(random), 'w'));
  }
}

const HELLOS = [
  '{"wire":1,"from":0}',
  '{"wire":1}',
  '{"wire":1,"from":-1}',
  '{"wire":1,"from":1e308}',
  '{"from":9007199254740993,"wire":2}',
].concat('{"wire":1,"from":null}', '{"wire":1,"from":"0"}');

/** What comes over one connection: nearly always a greeting and whole frames, and at their end what is broken. */
export function conversation(random: Random, count: number): Uint8Array {
  const frames: Uint8Array[] = random() < 0.95 ? [frameOf(1, pick(random, HELLOS))] : [];
  for (let n = 1; n < count; n++) frames.push(oddFrame(random));
  const last = oddFrame(random);
  const long = Buffer.alloc(8);
  long.writeUInt32LE(pick(random, [0, MAX_KEEPER_FRAME_BYTES, MAX_KEEPER_FRAME_BYTES + 1, 2 ** 32 - 1]));
  frames.push(pick(random, [mutate(random, last), mutate(random, last), bytesOf(random, 100), joined(long, last), last]));
  return joined(...frames);
}

/** What whoever comes to a keeper without leave could say, to type STRANGER; `token`: one that it once took, or takes from another. */
export function strangerTalk(random: Random, token: Uint8Array): Uint8Array {
  const shown = pick(random, [token, token.subarray(1), joined(token, token), bytesOf(random, 16), bytesOf(random, below(random, 20))]);
  const units = Array.from({ length: below(random, 5) }, (_, n) =>
    encodeInput({ channel: pick(random, CHANNELS), epoch: pick(random, EPOCHS), seq: (n + 1) as Seq, bytes: Buffer.from('STRANGER') }),
  );
  const long = Buffer.alloc(8, 13);
  long.writeUInt32LE(pick(random, [0, MAX_KEEPER_FRAME_BYTES, MAX_KEEPER_FRAME_BYTES + 1, 2 ** 32 - 1]));
  const use = frameOf(13, shown);
  switch (below(random, 5)) {
    case 0:
      return joined(...units, use); // units first
    case 1:
      return joined(use.subarray(0, below(random, use.length))); // and says no more
    case 2:
      return joined(long, bytesOf(random, below(random, 5000)));
    default:
      return joined(use, ...units);
  }
}

const CHANNELS = [7 as Channel, 0 as Channel, 0xffffffff as Channel];
const EPOCHS = [3 as Epoch, 0 as Epoch, 0xffffffff as Epoch];

/** What breaks off the typing of whom it is delegated to: odd, or not whole, or too much. */
export function oddUnit(random: Random, seq: number): Uint8Array {
  const unit = (length: number) =>
    encodeInput({ channel: 7 as Channel, epoch: 3 as Epoch, seq: seq as Seq, bytes: Buffer.alloc(length, 'o') });
  const numbered = unit(3);
  uint64(random).copy(numbered, 13);
  return pick(random, [mutate(random, unit(3)), numbered, unit(1024), unit(1025), unit(0), oddFrame(random), new Uint8Array(0)]);
}

/** What a keeper is told to start, in the words in which it could stand on its stdin. */
export function hostileSpec(random: Random, spec: KeeperSpec): Uint8Array {
  const members: [string, string][] = Object.entries(spec).map(([name, value]) => [name, JSON.stringify(value)]);
  const at = below(random, members.length);
  const [name = ''] = members[at] ?? [];
  switch (below(random, 8)) {
    case 0:
      members.splice(at, 1);
      break;
    case 1:
      members[at] = [name, hostileJson(random)];
      break;
    case 2:
      members.push([name, hostileJson(random)]);
      break;
    case 3:
      members.push(['args', JSON.stringify(Array.from({ length: below(random, 5000) }, (_, n) => `${n}`))]);
      break;
    case 4:
      members.push(['meta', `${'[{"a":'.repeat(below(random, 80))}1`]);
      break;
    case 5:
      members.push([pick(random, ['startOffset', 'cols', 'rows']), pick(random, ['-1', '1e400', '1e19', '0', '-0', '65536', '1.5', 'null', '""', '--1', '0x10'])]); // biome-ignore format: a row
      break;
    case 6:
      members.push([pick(random, ['session', 'banner', 'env', 'cwd']), pick(random, ['"\\u0000"', '"\\ud800"', `"${'é'.repeat(50_000)}"`, '{"":""}', '"\\', '"\\u1"'])]); // biome-ignore format: a row
      break;
  }
  const words = Buffer.from(`{${members.map(([key, value]) => `"${key}":${value}`).join(',')}}`);
  return random() < 0.4 ? mutate(random, words) : words;
}
