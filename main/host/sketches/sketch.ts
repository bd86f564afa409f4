/**
 * A sketch of a text: a Bloom filter of its pieces of three and of five bytes, in which what it does not hold is mostly
 * not found, and what it holds always is. Pure.
 *
 * Pieces of three tell most words apart, pieces of five numbers and hashes, whose threes stand in every log. None reaches
 * across a control character: nobody looks for line ends.
 */

/** Bits of the filter while it is filled: more than it keeps. */
const WORK_BYTES = 128 * 1024;
export const MIN_BYTES = 256;
/** Of a filter, bytes: random bytes fill it whatever its size. */
export const MAX_BYTES = 64 * 1024;
/** Bits set in a filter of the right size: with more than half, ten pieces of a text still tell it from most others. */
const MAX_FILL = 0.6;
/** Beyond this it tells nothing any more. */
const USELESS_FILL = 0.95;

/** Empty where the texts are so varied that they may hold anything. */
export function sketchOf(texts: readonly Uint8Array[]): Uint8Array {
  const bits = new Uint8Array(WORK_BYTES);
  for (const text of texts) eachPlace(text, bits, null);
  return folded(bits);
}

/** Places that are set in a sketch of whatever holds all these runs; null where they are too short to have any. */
export function placesOf(runs: readonly Uint8Array[]): Uint32Array | null {
  const places = new Set<number>();
  for (const run of runs) eachPlace(run, null, places);
  return places.size > 0 ? Uint32Array.from(places) : null;
}

/** False: certainly not. */
export function mayHold(sketch: Uint8Array, places: Uint32Array): boolean {
  if (sketch.length === 0) return true;
  const mask = sketch.length * 8 - 1;
  for (const place of places) if (((sketch[(place & mask) >>> 3] ?? 0) & (1 << (place & 7))) === 0) return false;
  return true;
}

/** Into bits or a set: one loop, so that a sketch and what asks it cannot differ; without a call for each, as there are millions. */
function eachPlace(text: Uint8Array, bits: Uint8Array | null, places: Set<number> | null): void {
  let run = 0;
  let four = 0;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at] ?? 0;
    if (byte < 0x20) {
      run = 0;
      continue;
    }
    const fifth = four >>> 24;
    four = (four << 8) | byte;
    run++;
    if (run < 3) continue;
    let three = Math.imul(four & 0xffffff, 0x9e3779b1);
    three ^= three >>> 15;
    const first = Math.imul(three, 0x7feb352d) >>> SHIFT;
    const second = Math.imul(three, 0x846ca68b) >>> SHIFT; // two, as there are few of three
    let five = Math.imul(four, 0x85ebca77) ^ Math.imul(fifth + 0x100, 0xc2b2ae3d);
    five ^= five >>> 15;
    const third = run < 5 ? first : Math.imul(five, 0x2c1b3c6d) >>> SHIFT;
    if (bits) {
      bits[first >>> 3] = (bits[first >>> 3] ?? 0) | (1 << (first & 7));
      bits[second >>> 3] = (bits[second >>> 3] ?? 0) | (1 << (second & 7));
      bits[third >>> 3] = (bits[third >>> 3] ?? 0) | (1 << (third & 7));
    } else places?.add(first).add(second).add(third);
  }
}

/** Of 32 bits of a hash the upper ones, as many as the working filter has places. */
const SHIFT = 32 - Math.log2(WORK_BYTES * 8);

/** Its upper half on its lower half, as long as that is not too full. */
function folded(bits: Uint8Array): Uint8Array {
  let sketch = bits;
  while (sketch.length > MIN_BYTES) {
    const half = sketch.slice(0, sketch.length / 2);
    for (let at = 0; at < half.length; at++) half[at] = (half[at] ?? 0) | (sketch[half.length + at] ?? 0);
    if (sketch.length <= MAX_BYTES && fill(half) > MAX_FILL) break;
    sketch = half;
  }
  return fill(sketch) > USELESS_FILL ? new Uint8Array(0) : sketch;
}

function fill(bits: Uint8Array): number {
  let set = 0;
  for (const byte of bits) set += ONES[byte] ?? 0;
  return set / (bits.length * 8);
}

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);
