/** Output as programs make it, and as they should not, from a seed. */

/** Numbers from 0 to 1 (mulberry32), the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const NARROW = [...'abcdefghijklmnopqrstuvwxyz   ABC#[]{}|~─…—▓'];

export class RandomStream {
  #isWrapping = true;
  readonly #random: () => number;
  readonly #size: { cols: number; rows: number };

  constructor(random: () => number, size: { cols: number; rows: number }) {
    this.#random = random;
    this.#size = size;
  }

  /** Between `low` and `high`, both inclusive. */
  number(low: number, high: number): number {
    return low + Math.floor(this.#random() * (high - low + 1));
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.number(0, choices.length - 1)] as T;
  }

  /** `count` pieces: text, sequences of every kind the terminal knows. */
  valid(count: number): string {
    let text = '';
    for (let left = count; left > 0; left--) text += this.#piece();
    return text;
  }

  /** `valid`, with garbage between: aborted and truncated sequences, illegal UTF-8, 8-bit controls. */
  hostile(count: number): Uint8Array {
    const parts: Uint8Array[] = [];
    const encoder = new TextEncoder();
    for (let left = count; left > 0; left--) {
      parts.push(this.#random() < 0.6 ? encoder.encode(this.#cuttable()) : this.#garbage(encoder));
    }
    return new Uint8Array(Buffer.concat(parts));
  }

  #garbage(encoder: TextEncoder): Uint8Array {
    const kind = this.number(0, 7);
    if (kind === 0) return Uint8Array.from({ length: this.number(1, 6) }, () => this.number(0x80, 0xff));
    if (kind === 1) return Uint8Array.from({ length: this.number(1, 8) }, () => this.number(0, 0xff));
    if (kind === 2) return encoder.encode(String.fromCodePoint(this.number(0x80, 0x9f)));
    if (kind === 3)
      return encoder.encode(
        this.pick([
          '\x1b',
          '\x1b[',
          '\x1b]',
          '\x1bP',
          '\x1b_',
          '\x1b^',
          '\x1bX',
          '\x1b(',
          '\x1b[?',
          '\x1b[1;',
          '\x1b[ ',
          '\x9b',
          '\x9d',
          '\x90',
          '\x98',
        ]),
      );
    if (kind === 4) return encoder.encode(this.pick(['\x18', '\x1a', '\x07', '\x9c', '\x1b\\', '\x7f', '\x1b\x1b', '\x00', '\x05']));
    if (kind === 5) return encoder.encode(this.#cuttable()).subarray(0, this.number(1, 4));
    if (kind === 6)
      return encoder.encode(
        this.pick([
          '\x1bP1$qm\x1b\\',
          '\x1bPq#0~~@@\x1b\\',
          '\x1b_Gi=1;AAAA\x1b\\',
          '\x1bX sos é\x1b\\',
          '\x1b[1?2h',
          '\x1b[>q',
          '\x1b[1;2;3 é',
        ]),
      );
    return encoder.encode(
      this.pick([
        '\x1b]133;A\x07',
        '\x1b]0;tïtle\x1b\\',
        '\x1b]7;file:///x\x9c',
        '\x1b]777;x\x1b[m',
        '\x1b]2;cut\x18',
        '\x1b]2;é\x1a',
        '\x1b]133',
        '\x1b]L;x\x07',
      ]),
    );
  }

  /** A piece that may be cut: an open link would be left. */
  #cuttable(): string {
    const piece = this.#piece();
    return piece.includes(']8;') ? '' : piece;
  }

  #piece(): string {
    const { cols, rows } = this.#size;
    const n = () => this.number(0, 6);
    const row = () => this.number(0, rows + 2);
    const col = () => this.number(0, cols + 2);
    switch (this.number(0, 33)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return this.#text(this.number(1, 20));
      case 4:
        return this.#text(this.number(cols - 2, cols + 12));
      case 5:
      case 6:
        return '\r\n';
      case 7:
        return this.pick(['\n', '\r', '\b', '\t', '\x0b', '\x0c', '\x07', '\x0e', '\x0f']);
      case 8:
      case 9:
      case 10:
        return this.#sgr();
      case 11:
      case 12:
        return `\x1b[${row()};${col()}H`;
      case 13:
        return `\x1b[${n()}${this.pick([...'ABCDEFGde`aIZ'])}`;
      case 14:
        return `\x1b[${this.number(0, 3)}${this.pick(['J', 'K', 'K'])}`;
      case 15:
        return `\x1b[${n()}${this.pick([...'@PXLMST'])}`;
      case 16:
        return `\x1b[?${this.number(0, 2)}${this.pick(['J', 'K'])}`;
      case 17:
        return this.pick([`\x1b[${row()};${row()}r`, '\x1b[r']);
      case 18:
        return this.pick(['\x1b7', '\x1b8', '\x1b[s', '\x1b[u', '\x1b[?1048h', '\x1b[?1048l']);
      case 19:
        return this.#mode(
          this.pick([1, 6, 7, 9, 12, 25, 45, 66, 1000, 1002, 1003, 1004, 1006, 1016, 2004, 2026, 7, 25]),
          this.pick(['h', 'l']),
        );
      case 20:
        return this.pick(['\x1b[4h', '\x1b[4l', '\x1b[4l', '\x1b[20h', '\x1b[20l', '\x1b[20l']);
      case 21:
        return this.pick(['\x1b[?1049h', '\x1b[?1049l', '\x1b[?47h', '\x1b[?47l', '\x1b[?1047h', '\x1b[?1047l']);
      case 22:
        return `\x1b${this.pick([...'()*+'])}${this.pick([...'0AB4CBB'])}`;
      case 23:
        return this.pick(['\x1bn', '\x1bo', '\x0e', '\x0f', '\x0f', '\x1b%G']);
      case 24:
        return this.pick(['\x1bH', '\x1b[g', '\x1b[3g', '\x1b[0g']);
      case 25:
        return this.pick(['\x1bD', '\x1bM', '\x1bE', '\x1bM', '\u0084', '\u0085', '\u0088']);
      case 26:
        return this.#link();
      case 27:
        return this.pick(['\x1b]2;title\x07', '\x1b]0;both é\x1b\\', '\x1b]1;icon\x07', '\x1b[22;0t', '\x1b[23;0t']);
      case 28:
        return this.pick([
          '\x1b]4;3;#123456\x07',
          '\x1b]10;#abcdef\x1b\\',
          '\x1b]11;rgb:11/22/33\x07',
          '\x1b]104\x07',
          '\x1b]112\x07',
          '\x1b]12;red\x07',
          '\x1b]12;#010203\x07',
        ]);
      case 29:
        return this.pick([`\x1b[${this.number(0, 6)} q`, '\x1b=', '\x1b>', '\x1b[!p', '\x1b#8']);
      case 30:
        return this.pick(['\x1b[1"q', '\x1b[0"q', '\x1b[0"q', '\x1b[2"q']);
      case 31:
        return this.pick([`\x1b[${n()}b`, `\x1b[${n()} @`, `\x1b[${n()} A`, `\x1b[${n()}'}`, `\x1b[${n()}'~`]);
      case 32:
        return this.pick(['\x1b[>1u', '\x1b[<u', '\x1b[=3;1u', '\x1b[>4;2m', '\x1b[c', '\x1b[6n', '\x1b[?25$p']);
      default:
        return this.number(0, 12) === 0 ? '\x1bc' : this.#text(3);
    }
  }

  /**
   * Opened and closed in one, since xterm.js forgets a link when the line where it was opened goes, even while text is
   * still printed into it: what is left of such a link depends on how much scrollback there is.
   */
  #link(): string {
    const open = this.pick(['\x1b]8;;https://a.example\x1b\\', '\x1b]8;id=x;https://b.example/?a;b\x07']);
    return (
      open + this.#text(this.number(1, 9)) + this.pick([this.#sgr(), '']) + this.#text(2) + this.pick(['\x1b]8;;\x1b\\', '\x1b]8;;\x07'])
    );
  }

  #mode(mode: number, final: string): string {
    if (mode === 7) this.#isWrapping = final === 'h';
    return `\x1b[?${mode}${final}`;
  }

  #text(length: number): string {
    let text = '';
    while (text.length < length) {
      // xterm.js drops a wide character that does not fit, and lets what follows widen the one before: cells that nothing can print again.
      text += this.pick(
        !this.#isWrapping
          ? NARROW
          : [
              ...'abcdefghijklmnopqrstuvwxyz   ABC#[]{}|~',
              'word ',
              'e\u0301',
              '漢',
              '字',
              'ｱ',
              '😀',
              '👩‍👩‍👧',
              '🇩🇪',
              '─',
              '…',
              '—',
              '\u200b',
              '\u0301',
              '▓',
              'क्षि',
            ],
      );
    }
    return text;
  }

  #sgr(): string {
    const color = () => this.number(0, 255);
    const parameters = Array.from({ length: this.number(1, 3) }, () =>
      this.pick([
        '0',
        '',
        '1',
        '2',
        '3',
        '4',
        '4:3',
        '4:5',
        '5',
        '7',
        '8',
        '9',
        '21',
        '22',
        '23',
        '24',
        '25',
        '27',
        '28',
        '29',
        '53',
        '55',
        '39',
        '49',
        '59',
        `${this.pick([30, 40, 90, 100]) + this.number(0, 7)}`,
        `${this.pick([30, 40, 90, 100]) + this.number(0, 7)}`,
        `38;5;${color()}`,
        `48;5;${color()}`,
        `38;2;${color()};${color()};${color()}`,
        `48;2;${color()};${color()};${color()}`,
        `58:2::${color()}:${color()}:${color()}`,
        `58:5:${color()}`,
        `38:2::${color()}:${color()}:${color()}`,
      ]),
    );
    return `\x1b[${parameters.join(';')}m`;
  }
}
