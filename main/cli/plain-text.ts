/** Turns terminal output into the text it shows, line by line: no colours, no control sequences, plain line ends. Pure. */

/** Longest unfinished sequence that is held back for the next piece, characters. */
const MAX_HELD = 4096;

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
