/** Looks through one stretch of a session's output: matching lines, newest first, each with its place in the raw bytes. Pure. */
import { placeOf, shownPieces, withoutSequences } from '#session/plain-text.ts';
import { visibleText } from '#session/visible-text.ts';
import type { Matcher } from './matcher.ts';

/** Text around a match in a long line, characters. */
const BEFORE = 120;
const AFTER = 240;

/** `at`: index of the first match in the bytes. */
export type LineHit = { readonly at: number; readonly text: string; readonly ranges: [number, number][] };

/** Lines whose first match begins before `end`, in the order of the output; what lies behind belongs to another stretch. */
export function searchBytes(bytes: Uint8Array, matcher: Matcher, end = bytes.length): LineHit[] {
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  if (matcher.next(withoutSequences(raw), 0) < 0) return [];
  const shown = shownPieces(raw);
  const place = byteCounter(bytes, raw);
  const hits: LineHit[] = [];
  for (let from = 0; from < shown.text.length; ) {
    const index = matcher.next(shown.text, from);
    if (index < 0) break;
    const begin = shown.text.lastIndexOf('\n', index - 1) + 1;
    const next = shown.text.indexOf('\n', index);
    const stop = next < 0 ? shown.text.length : next;
    const at = place(placeOf(shown, index));
    if (at >= end) break;
    hits.push({ at, ...excerpt({ text: shown.text, begin, stop }, index, matcher) });
    from = stop + 1;
  }
  return hits;
}

/** What of a line is shown: without what a terminal would not show, and not all of a long one. */
function excerpt(line: { text: string; begin: number; stop: number }, index: number, matcher: Matcher): Omit<LineHit, 'at'> {
  const from = Math.max(line.begin, index - BEFORE);
  const cut = line.text.slice(from, Math.min(line.stop, index + AFTER));
  const text = printed(cut);
  // Looked for again in what is shown: where characters were written out or overwritten, places moved.
  return { text, ranges: matcher.rangesIn(text).filter(([start, end]) => end > start) };
}

const printed = (line: string) => visibleText(line.replace(/\r+$/, '')).replaceAll('\n', ' ');

/** Turns indexes of `text`, asked in rising order, into indexes of the bytes it was decoded from, also where they are no UTF-8. */
function byteCounter(bytes: Uint8Array, text: string): (index: number) => number {
  const isWhole = !text.includes('\ufffd');
  let [index, at] = [0, 0];
  return (wanted) => {
    if (isWhole) {
      at += Buffer.byteLength(text.slice(index, wanted));
      index = wanted;
      return at;
    }
    // A line ends a broken character: so lines keep their places, and within one the place is close.
    for (;;) {
      const lineEnd = text.indexOf('\n', index);
      if (lineEnd < 0 || lineEnd >= wanted) break;
      index = lineEnd + 1;
      at = bytes.indexOf(0x0a, at) + 1;
    }
    return Math.min(bytes.length, at + Buffer.byteLength(text.slice(index, wanted)));
  };
}
