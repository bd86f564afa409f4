/** Bytes and values as an enemy or a broken disk makes them, from a seed. */

export type Random = () => number;

export const below = (random: Random, limit: number) => Math.floor(random() * limit);
export const pick = <T>(random: Random, choices: readonly T[]): T => choices[below(random, choices.length)] as T;
export const bytesOf = (random: Random, length: number) => Uint8Array.from({ length }, () => below(random, 256));

/** One to four faults: flipped, cut, doubled, removed, put in, or numbers at the edge of what fits. */
export function mutate(random: Random, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let result = new Uint8Array(bytes);
  for (let faults = 1 + below(random, 4); faults > 0; faults--) {
    const at = below(random, result.length + 1);
    const length = below(random, 24);
    const tail = result.subarray(Math.min(result.length, at + length));
    switch (below(random, 7)) {
      case 0:
      case 1:
        if (at < result.length) result[at] = (result[at] ?? 0) ^ (1 << below(random, 8));
        break;
      case 2:
        result = result.slice(0, at);
        break;
      case 3:
        result = joined(result.subarray(0, at), result.subarray(at, at + length), result.subarray(at));
        break;
      case 4:
        result = joined(result.subarray(0, at), tail);
        break;
      case 5:
        result = joined(result.subarray(0, at), bytesOf(random, length), result.subarray(at));
        break;
      case 6:
        result.set(pick(random, EDGES).subarray(0, result.length - at), at);
        break;
    }
  }
  return result;
}

const EDGES = [
  Uint8Array.of(0, 0, 0, 0),
  Uint8Array.of(255, 255, 255, 255),
  Uint8Array.of(255, 255, 255, 127),
  Uint8Array.of(1, 0, 16, 0),
  Uint8Array.of(255, 255, 255, 255, 255, 255, 31, 0),
  Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255),
  Uint8Array.of(0, 0, 0, 0, 0, 0, 32, 0),
];

export function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}

/** `bytes` in pieces of random lengths, also empty ones. */
export function* cut(random: Random, bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const length = random() < 0.3 ? below(random, 3) : below(random, bytes.length + 1);
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

/** JSON text: right and wrong types, deep, large, keys of Object.prototype. */
export function hostileJson(random: Random, depth = 0): string {
  if (random() < 0.02) return '['.repeat(below(random, 20_000)) + ']'.repeat(below(random, 3) * 10_000);
  if (random() < 0.01) return `{"a":${'{"a":'.repeat(5000)}1${'}'.repeat(5001)}`;
  const kind = below(random, depth > 3 ? 6 : 9);
  if (kind < 6) return pick(random, SCALARS);
  if (kind === 6) return `[${Array.from({ length: below(random, 4) }, () => hostileJson(random, depth + 1)).join(',')}]`;
  const fields = Array.from({ length: below(random, 6) }, () => `${JSON.stringify(pick(random, KEYS))}:${hostileJson(random, depth + 1)}`);
  return `{${fields.join(',')}}`;
}

const SCALARS = ['null', 'true', '0', '-1', '1e400', '-1e308', '9007199254740993', '1.5', '""', '"calm"', '"\\u0000"', '"\\ud800"'].concat(
  '"__proto__"',
  '"\\u202egnp"',
  JSON.stringify('x'.repeat(5000)),
  '80',
  '1',
  '2001',
  '"operator"',
  '"victim"',
  '"open"',
  '"locked"',
  '"largest"',
  '"approve"',
  '"reject"',
  '"../../etc"',
);
export const KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'id', 'method', 'params', 'result', 'error', 'event'].concat(
  [
    'session',
    'channel',
    'offset',
    'seq',
    'epoch',
    'size',
    'cols',
    'rows',
    'have',
    'role',
    'scrollback',
    'limit',
    'after',
    'since',
    'force',
  ],
  ['mode', 'policy', 'reason', 'question', 'choices', 'timeoutMs', 'state', 'decision', 'scope', 'answer', 'actor', 'to', 'line'],
  ['name', 'client', 'protocol', 'min', 'max', 'interface', 'kind', 'color', 'build', 'from', 'env', 'command', 'cwd', 'text', 'kinds'],
);
