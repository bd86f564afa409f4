/** SHA-256 piece by piece, for a page: the browser's own hashes only what lies in memory as a whole. FIPS 180-4. Pure. */
import type { RunningHash } from './file-bytes.ts';

const BLOCK_BYTES = 64;

/** The first 32 bits of the fractional parts of the roots of the first primes: square roots of 8, cube roots of 64. */
const [START, ROUNDS] = constants();

export class Sha256 implements RunningHash {
  readonly #state = Uint32Array.from(START);
  readonly #words = new Uint32Array(64);
  /** A block that is not full yet. */
  readonly #rest = new Uint8Array(BLOCK_BYTES);
  #restBytes = 0;
  #length = 0;

  update(bytes: Uint8Array): void {
    this.#length += bytes.length;
    let at = 0;
    if (this.#restBytes > 0) {
      at = Math.min(BLOCK_BYTES - this.#restBytes, bytes.length);
      this.#rest.set(bytes.subarray(0, at), this.#restBytes);
      this.#restBytes += at;
      if (this.#restBytes < BLOCK_BYTES) return;
      compress(this.#state, this.#words, this.#rest, 0);
      this.#restBytes = 0;
    }
    for (; at + BLOCK_BYTES <= bytes.length; at += BLOCK_BYTES) compress(this.#state, this.#words, bytes, at);
    this.#rest.set(bytes.subarray(at));
    this.#restBytes = bytes.length - at;
  }

  digest(): string {
    const state = this.#state.slice();
    const blocks = this.#restBytes + 9 > BLOCK_BYTES ? 2 : 1;
    const end = new Uint8Array(blocks * BLOCK_BYTES);
    end.set(this.#rest.subarray(0, this.#restBytes));
    end[this.#restBytes] = 0x80;
    new DataView(end.buffer).setBigUint64(end.length - 8, BigInt(this.#length) * 8n);
    for (let at = 0; at < end.length; at += BLOCK_BYTES) compress(state, new Uint32Array(64), end, at);
    return [...state].map((word) => word.toString(16).padStart(8, '0')).join('');
  }
}

function compress(state: Uint32Array, words: Uint32Array, bytes: Uint8Array, at: number): void {
  const word = (index: number) => words[index] ?? 0;
  for (let i = 0; i < 16; i++) {
    const from = at + i * 4;
    words[i] = ((bytes[from] ?? 0) << 24) | ((bytes[from + 1] ?? 0) << 16) | ((bytes[from + 2] ?? 0) << 8) | (bytes[from + 3] ?? 0);
  }
  for (let i = 16; i < 64; i++) {
    const x = word(i - 15);
    const y = word(i - 2);
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    words[i] = (word(i - 16) + s0 + word(i - 7) + s1) | 0;
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (ROUNDS[i] ?? 0) + word(i)) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  for (const [index, value] of [a, b, c, d, e, f, g, h].entries()) state[index] = (state[index] ?? 0) + value;
}

function constants(): readonly [Uint32Array, Uint32Array] {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  const bits = (root: (n: number) => number) => (prime: number) => Math.floor((root(prime) % 1) * 2 ** 32);
  return [Uint32Array.from(primes.slice(0, 8), bits(Math.sqrt)), Uint32Array.from(primes, bits(Math.cbrt))];
}
