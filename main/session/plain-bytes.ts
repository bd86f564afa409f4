/** Raw output without control sequences, as bytes: what `withoutSequences` makes of its text, several times as fast. Pure. */

const ESC = 0x1b;
/** Bytes that are kept, as they are or with small letters; 0 for what is not, and for the escape. */
const AS_IS = kept((byte) => byte);
const FOLDED = kept((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte));

export type PlainBytes = {
  readonly plain: Uint8Array;
  /** A sequence reaches across one of the places that were asked about: what stands on one side of it alone reads otherwise. */
  readonly isCut: boolean;
};

/** `isFolded`: Latin capitals become small. `into`: room for at least as many bytes, which the answer then lies in. */
export function plainBytes(
  raw: Uint8Array,
  { isFolded = false, cuts = [], into }: { isFolded?: boolean; cuts?: readonly number[]; into?: Uint8Array } = {},
): PlainBytes {
  const table = isFolded ? FOLDED : AS_IS;
  const out = into ?? new Uint8Array(raw.length);
  const total = raw.length;
  let length = 0;
  let isCut = false;
  for (let at = 0; ; ) {
    for (let byte = table[raw[at] ?? 0] ?? 0; byte !== 0; byte = at < total ? (table[raw[at] ?? 0] ?? 0) : 0) {
      out[length++] = byte;
      at++;
    }
    if (at >= total) break;
    const end = raw[at] === ESC ? sequenceEnd(raw, at) : at + 1;
    if (end < 0) out[length++] = ESC;
    else for (const cut of cuts) if (cut > at && cut < end) isCut = true;
    at = end < 0 ? at + 1 : end;
  }
  return { plain: out.subarray(0, length), isCut };
}

/** Where the sequence that begins with the escape at `at` ends; −1 where none does. The rules of plain-text.ts, one by one. */
function sequenceEnd(raw: Uint8Array, at: number): number {
  const second = raw[at + 1];
  let end = at + 2;
  switch (second) {
    case 0x5b: // [
      end = behind(raw, behind(raw, end, 0x30, 0x3f), 0x20, 0x2f);
      return isWithin(raw[end], 0x40, 0x7e) ? end + 1 : -1;
    case 0x5d: // ]
      while (end < raw.length && raw[end] !== 0x07 && raw[end] !== ESC) end++;
      return raw[end] === 0x07 ? end + 1 : terminated(raw, end);
    case 0x50: // P
    case 0x58: // X
    case 0x5e: // ^
    case 0x5f: // _
      while (end < raw.length && raw[end] !== ESC) end++;
      return terminated(raw, end);
    default:
      end = behind(raw, at + 1, 0x20, 0x2f);
      return isFinal(raw[end]) ? end + 1 : -1;
  }
}

const terminated = (raw: Uint8Array, at: number) => (raw[at] === ESC && raw[at + 1] === 0x5c ? at + 2 : -1);

/** The first place from `at` on whose byte is not in the range. */
function behind(raw: Uint8Array, at: number, low: number, high: number): number {
  let end = at;
  while (isWithin(raw[end], low, high)) end++;
  return end;
}

const isWithin = (byte: number | undefined, low: number, high: number) => byte !== undefined && byte >= low && byte <= high;

const isFinal = (byte: number | undefined) =>
  isWithin(byte, 0x30, 0x4f) || isWithin(byte, 0x51, 0x57) || byte === 0x59 || byte === 0x5a || byte === 0x5c || isWithin(byte, 0x60, 0x7e);

function kept(of: (byte: number) => number): Uint8Array {
  const isKept = (byte: number) => (byte > 0x07 && byte < 0x0e) || (byte >= 0x20 && byte !== 0x7f);
  return Uint8Array.from({ length: 256 }, (_, byte) => (isKept(byte) ? of(byte) : 0));
}
