/**
 * Where a command's output lies among a terminal's lines: cuts output at the places that matter, and pairs those places
 * with command records. Pure.
 *
 * A command record names its output by offset, a terminal by line. So output is written in pieces that end exactly at the
 * shell's marks (OSC 133) and at the offsets of known records; where a piece ends, the terminal's cursor line is kept.
 */
import type { Offset } from '#protocol/ids.ts';

/** `input`: the prompt ended, the command line begins; `start`: its output begins; `end`: it ended; `chunk`: no mark there. */
export type PlaceKind = 'input' | 'start' | 'end' | 'chunk';

export type Piece = { bytes: Uint8Array /** Where it ends. */; end: Offset /** What is at its end. */; kind: PlaceKind };

export type Place = { offset: Offset; kind: PlaceKind };

/** A record's offset may lie before or after the mark it came from, by the mark's own length and the echo of Enter, bytes. */
const NEAR_BYTES = 512;

const ESC = 0x1b;
/** `]133;` after ESC. */
const OSC_133 = [0x5d, 0x31, 0x33, 0x33, 0x3b];
const KIND_OF_LETTER: Readonly<Record<number, PlaceKind>> = { 66: 'input', 67: 'start', 68: 'end' };

/** `bytes`, which start at offset `from`, in pieces that end at the shell's marks and at the `wanted` offsets (ascending). */
export function cutOutput({ from, bytes, wanted }: { from: Offset; bytes: Uint8Array; wanted: readonly Offset[] }): Piece[] {
  const cuts = new Map<number, PlaceKind>();
  for (const offset of wanted) if (offset > from && offset < from + bytes.length) cuts.set(offset - from, 'chunk');
  for (const { at, kind } of marksIn(bytes)) cuts.set(at, kind);
  const pieces: Piece[] = [];
  let start = 0;
  for (const [at, kind] of [...cuts].sort(([a], [b]) => a - b)) {
    pieces.push({ bytes: bytes.subarray(start, at), end: (from + at) as Offset, kind });
    start = at;
  }
  pieces.push({ bytes: bytes.subarray(start), end: (from + bytes.length) as Offset, kind: 'chunk' });
  return pieces;
}

function* marksIn(bytes: Uint8Array): Generator<{ at: number; kind: PlaceKind }> {
  for (let at = bytes.indexOf(ESC); at !== -1; at = bytes.indexOf(ESC, at + 1)) {
    if (!OSC_133.every((byte, i) => bytes[at + 1 + i] === byte)) continue;
    const kind = KIND_OF_LETTER[bytes[at + 1 + OSC_133.length] ?? 0];
    if (kind) yield { at, kind };
  }
}

/**
 * The places of a record's first and last line among `places` (ascending by offset), null where none is known.
 * The first line is the one the command was typed in, if the shell marked it; `end` is null while the command runs.
 */
export function pairRecord<P extends Place>(
  record: { from: Offset; to: Offset | null },
  places: readonly P[],
): { start: P | null; end: P | null } {
  return { start: startOf(record.from, places), end: record.to === null ? null : endOf(record.to, places) };
}

function startOf<P extends Place>(from: Offset, places: readonly P[]): P | null {
  const mark = nearest(from, places, 'start');
  if (mark === -1) return places[lastUpTo(from, places)] ?? null;
  for (let at = mark - 1; at >= 0; at--) {
    const place = places[at];
    if (place?.kind === 'input') return place;
    if (place?.kind === 'start' || place?.kind === 'end') break;
  }
  return places[mark] ?? null;
}

function endOf<P extends Place>(to: Offset, places: readonly P[]): P | null {
  const mark = nearest(to, places, 'end');
  if (mark !== -1) return places[mark] ?? null;
  const before = lastUpTo(to, places);
  const exact = places[before];
  return exact?.offset === to ? exact : (places[before + 1] ?? null);
}

function nearest<P extends Place>(offset: Offset, places: readonly P[], kind: PlaceKind): number {
  let best = -1;
  let bestDistance = NEAR_BYTES + 1;
  const middle = Math.max(0, lastUpTo(offset, places));
  const look = (at: number): boolean => {
    const place = places[at];
    if (!place) return false;
    const distance = Math.abs(place.offset - offset);
    if (distance > NEAR_BYTES) return false;
    if (place.kind === kind && distance < bestDistance) {
      best = at;
      bestDistance = distance;
    }
    return true;
  };
  for (let at = middle; look(at); at--);
  for (let at = middle + 1; look(at); at++);
  return best;
}

/** Index of the last place at or before `offset`, -1 if all lie behind it. */
function lastUpTo(offset: Offset, places: readonly Place[]): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle]?.offset ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
