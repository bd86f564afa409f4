/** Turns terminal output into the text it shows, line by line: no colours, no control sequences, plain line ends. Pure. */

/** Longest unfinished sequence that is held back for the next piece, characters. */
const MAX_HELD = 4096;

/** Arguments that one call takes for certain. */
const LATIN1_PIECE = 8192;

const SEQUENCES =
  /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[PX^_][^\x1b]*\x1b\\|\x1b[ -/]*[0-OQ-WYZ\\`-~]|[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]/g;

export class PlainText {
  readonly #decoder = new TextDecoder();
  #held = '';

  /** The text of the next bytes; an unfinished character, sequence or line end waits for the next call. */
  push(bytes: Uint8Array, isLast = false): string {
    const text = this.#held + this.#decoder.decode(bytes, { stream: !isLast });
    const end = isLast ? text.length : unfinishedAt(text);
    this.#held = text.slice(end);
    return text.slice(0, end).replace(SEQUENCES, '').replaceAll('\r\n', '\n');
  }
}

/** `text` without its control sequences and controls; line ends stay as they are. */
export const withoutSequences = (text: string): string => text.replace(SEQUENCES, '');

/** What a text shows, and where each unbroken piece of that stood in it. */
export type Shown = { readonly text: string; readonly pieces: readonly { readonly at: number; readonly from: number }[] };

/** As `withoutSequences`, with the way back. */
export function shownPieces(raw: string): Shown {
  const pieces: { at: number; from: number }[] = [];
  let text = '';
  let from = 0;
  const keep = (to: number) => {
    if (to > from) pieces.push({ at: text.length, from });
    text += raw.slice(from, to);
  };
  for (const match of raw.matchAll(SEQUENCES)) {
    keep(match.index);
    from = match.index + match[0].length;
  }
  keep(raw.length);
  return { text, pieces };
}

/** Where the character at `index` of what is shown stood in the text. */
export function placeOf({ pieces }: Shown, index: number): number {
  let [low, high] = [0, pieces.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((pieces[middle]?.at ?? 0) <= index) low = middle;
    else high = middle - 1;
  }
  const piece = pieces[low];
  return piece ? piece.from + index - piece.at : 0;
}

/** The last place of `text` in what raw output shows, as an index into its bytes, before byte `before`; −1 if it is not there. */
export function lastShownAt(output: Uint8Array, text: string, before = output.length): number {
  // One character a byte, so that places in the text are places in the output.
  const shown = shownPieces(latin1(output.subarray(0, before)));
  const found = shown.text.lastIndexOf(latin1(new TextEncoder().encode(text)));
  return found < 0 ? -1 : placeOf(shown, found);
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += LATIN1_PIECE) text += String.fromCharCode(...bytes.subarray(at, at + LATIN1_PIECE));
  return text;
}

/** Where an unfinished sequence or line end begins at the end of `text`. */
function unfinishedAt(text: string): number {
  for (let at = text.indexOf('\x1b'); at >= 0; ) {
    SEQUENCES.lastIndex = at;
    const match = SEQUENCES.exec(text);
    SEQUENCES.lastIndex = 0;
    const isWhole = match?.index === at;
    if (!isWhole && text.length - at <= MAX_HELD) return at;
    at = text.indexOf('\x1b', isWhole ? at + match[0].length : at + 1);
  }
  return text.endsWith('\r') ? text.length - 1 : text.length;
}
