/**
 * Follows a terminal's output byte by byte, as far as to know where a terminal may be told apart from its past: the
 * last offset at which the VT parser and the UTF-8 decoder were both in their ground state. Pure.
 *
 * The states and transitions are those of xterm.js 6 (EscapeSequenceParser.ts, after
 * https://vt100.net/emu/dec_ansi_parser), the decoding that of its TextDecoder.ts: 8-bit controls come as UTF-8
 * (U+0080 – U+009F), illegal UTF-8 is dropped. test/contract/vt-scanner.test.ts compares both, state by state.
 */
import type { Offset } from '#protocol/ids.ts';

/** A whole OSC sequence; the bytes from `start` to `end` (exclusive) are the sequence with its terminator. */
export type Osc = { readonly code: number; readonly payload: string; readonly start: Offset; readonly end: Offset };

/** Longer OSC payloads are not reported, bytes: marks, titles and folders are far shorter, images and clipboards are not wanted. */
export const MAX_OSC_PAYLOAD_BYTES = 64 * 1024;

export class VtScanner {
  readonly #onOsc: (osc: Osc) => void;
  readonly #payload = new OscPayload();
  /** Offset of the next byte. */
  #end: number;
  /** Where ground was left, while not in ground. */
  #leftAt: number;
  #state = GROUND;
  /** Continuation bytes that the UTF-8 character begun still lacks. */
  #missing = 0;
  /** Bytes of that character, all in all, and its bits so far. */
  #length = 0;
  #bits = 0;
  #oscStart = 0;
  /** An OSC ended by ESC: whether its terminator is `ESC` or `ESC \` shows with the next byte. */
  #oscEndsAt = -1;

  constructor({ offset, onOsc = () => {} }: { offset: Offset; onOsc?: (osc: Osc) => void }) {
    this.#end = offset;
    this.#leftAt = offset;
    this.#onOsc = onOsc;
  }

  /** Offset behind the last byte pushed. */
  get end(): Offset {
    return this.#end as Offset;
  }

  /** The last offset at which nothing was begun: a terminal fed up to here depends on no further byte. */
  get groundOffset(): Offset {
    return (this.#state === GROUND && this.#missing === 0 ? this.#end : this.#leftAt) as Offset;
  }

  /** Takes the next bytes of the stream; answers `groundOffset`. Reports every OSC sequence that ends in them, in order. */
  push(bytes: Uint8Array): Offset {
    const base = this.#end;
    const length = bytes.length;
    let at = 0;
    // A character broken off is only done with once the byte that broke it is parsed: ground lies before both.
    let isBroken = false;
    while (at < length) {
      if (this.#state === GROUND && this.#missing === 0) {
        const from = at;
        at = skipText(bytes, at);
        if (at === length) break;
        if (at > from || !isBroken) this.#leftAt = base + at;
        isBroken = false;
      }
      const byte = bytes[at] ?? 0;
      if (this.#missing > 0) {
        if ((byte & 0xc0) === 0x80) {
          at++;
          this.#bits = (this.#bits << 6) | (byte & 0x3f);
          if (--this.#missing === 0 && isLegal(this.#bits, this.#length)) this.#step(this.#bits, base + at - this.#length, base + at);
        } else {
          this.#missing = 0; // what was begun is dropped, and this byte begins anew
          isBroken = this.#state === GROUND; // elsewhere ground was left long before
        }
        continue;
      }
      at++;
      if (byte < 0x80) this.#step(byte, base + at - 1, base + at);
      else if (byte >= 0xc0 && byte < 0xf8) {
        this.#length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
        this.#missing = this.#length - 1;
        this.#bits = byte & (this.#length === 2 ? 0x1f : this.#length === 3 ? 0x0f : 0x07);
      }
    }
    this.#end = base + length;
    return this.groundOffset;
  }

  /** One character that lies from `start` to `end`. */
  #step(character: number, start: number, end: number): void {
    const before = this.#state;
    const state = TRANSITIONS[(before << 8) | (character < PRINTABLE ? character : PRINTABLE)] ?? GROUND;
    if (this.#oscEndsAt >= 0) {
      this.#report(character === 0x5c ? end : this.#oscEndsAt);
      this.#oscEndsAt = -1;
    }
    if (before === OSC_STRING && !isOscStart(character)) {
      if (state === OSC_STRING) {
        if (character >= 0x20) this.#payload.put(character);
      } else if (character === 0x1b) this.#oscEndsAt = end;
      else if (character === 0x07 || character === 0x9c) this.#report(end);
    } else if (state === OSC_STRING) {
      this.#oscStart = before === ESCAPE ? start - 1 : start;
      this.#payload.clear();
    }
    this.#state = state;
  }

  #report(end: number): void {
    const whole = this.#payload.read();
    if (whole === null) return;
    const semicolon = whole.indexOf(';');
    const code = semicolon < 0 ? whole : whole.slice(0, semicolon);
    if (!/^\d{1,9}$/.test(code)) return;
    const payload = semicolon < 0 ? '' : whole.slice(semicolon + 1);
    this.#onOsc({ code: Number(code), payload, start: this.#oscStart as Offset, end: end as Offset });
  }
}

/** From `at`, the next byte that can leave ground: ESC, or the first of a character beyond ASCII. */
function skipText(bytes: Uint8Array, from: number): number {
  const length = bytes.length;
  let at = from;
  while (at < length) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x80 || byte === 0x1b) break;
    at++;
  }
  return at;
}

/** Whether xterm.js decodes it: no overlong form, surrogate, byte order mark or number beyond Unicode. */
function isLegal(codepoint: number, length: number): boolean {
  if (length === 2) return codepoint >= 0x80;
  if (length === 3) return codepoint >= 0x800 && (codepoint < 0xd800 || codepoint > 0xdfff) && codepoint !== 0xfeff;
  return codepoint >= 0x10000 && codepoint <= 0x10ffff;
}

/** U+009D begins an OSC also within one. */
const isOscStart = (character: number) => character === 0x9d;

/** What an OSC carries, up to MAX_OSC_PAYLOAD_BYTES characters. */
class OscPayload {
  #characters: number[] = [];

  clear(): void {
    this.#characters = [];
  }

  put(character: number): void {
    if (this.#characters.length <= MAX_OSC_PAYLOAD_BYTES) this.#characters.push(character);
  }

  /** Null if it was too long. */
  read(): string | null {
    const characters = this.#characters;
    if (characters.length > MAX_OSC_PAYLOAD_BYTES) return null;
    let text = '';
    // A call takes only so many arguments.
    for (let at = 0; at < characters.length; at += 4096) text += String.fromCodePoint(...characters.slice(at, at + 4096));
    return text;
  }
}

const [GROUND, ESCAPE, ESCAPE_INTERMEDIATE, CSI_ENTRY, CSI_PARAM, CSI_INTERMEDIATE, CSI_IGNORE] = [0, 1, 2, 3, 4, 5, 6];
const [SOS_PM_APC_STRING, OSC_STRING, DCS_ENTRY, DCS_PARAM, DCS_IGNORE, DCS_INTERMEDIATE, DCS_PASSTHROUGH] = [7, 8, 9, 10, 11, 12, 13];
const STATES = 14;
/** Stands for every printable character from here on. */
const PRINTABLE = 0xa0;

/** Next state, by `state << 8 | character`. */
const TRANSITIONS: Uint8Array = makeTransitions();

function makeTransitions(): Uint8Array {
  const table = new Uint8Array(STATES << 8); // what is not listed goes to ground
  const stay = (state: number, ...ranges: [number, number][]) => go(state, state, ...ranges);
  const go = (state: number, next: number, ...ranges: [number, number][]) => {
    for (const [first, last] of ranges) table.fill(next, (state << 8) | first, ((state << 8) | last) + 1);
  };
  const controls: [number, number][] = [
    [0x00, 0x17],
    [0x19, 0x19],
    [0x1c, 0x1f],
  ];
  for (let state = GROUND; state < STATES; state++) {
    go(state, ESCAPE, [0x1b, 0x1b]);
    go(state, DCS_ENTRY, [0x90, 0x90]);
    go(state, SOS_PM_APC_STRING, [0x98, 0x98], [0x9e, 0x9f]);
    go(state, CSI_ENTRY, [0x9b, 0x9b]);
    go(state, OSC_STRING, [0x9d, 0x9d]);
    // A control leaves a sequence as it is, but where CAN, SUB or ESC say otherwise.
    if (state !== GROUND) stay(state, ...controls);
  }
  stay(ESCAPE, [0x7f, 0x7f]);
  go(ESCAPE, ESCAPE_INTERMEDIATE, [0x20, 0x2f]);
  go(ESCAPE, DCS_ENTRY, [0x50, 0x50]);
  go(ESCAPE, SOS_PM_APC_STRING, [0x58, 0x58], [0x5e, 0x5f]);
  go(ESCAPE, CSI_ENTRY, [0x5b, 0x5b]);
  go(ESCAPE, OSC_STRING, [0x5d, 0x5d]);
  stay(ESCAPE_INTERMEDIATE, [0x20, 0x2f], [0x7f, 0x7f]);

  go(CSI_ENTRY, CSI_INTERMEDIATE, [0x20, 0x2f]);
  go(CSI_ENTRY, CSI_PARAM, [0x30, 0x3f]);
  stay(CSI_ENTRY, [0x7f, 0x7f]);
  go(CSI_PARAM, CSI_INTERMEDIATE, [0x20, 0x2f]);
  stay(CSI_PARAM, [0x30, 0x3b], [0x7f, 0x7f]);
  go(CSI_PARAM, CSI_IGNORE, [0x3c, 0x3f]);
  stay(CSI_INTERMEDIATE, [0x20, 0x2f], [0x7f, 0x7f]);
  go(CSI_INTERMEDIATE, CSI_IGNORE, [0x30, 0x3f]);
  stay(CSI_IGNORE, [0x20, 0x3f], [0x7f, 0x7f], [PRINTABLE, PRINTABLE]);

  stay(SOS_PM_APC_STRING, [0x20, 0x7f]);
  stay(OSC_STRING, [0x20, 0x7f], [PRINTABLE, PRINTABLE]);
  go(OSC_STRING, GROUND, [0x07, 0x07]);

  go(DCS_ENTRY, DCS_INTERMEDIATE, [0x20, 0x2f]);
  go(DCS_ENTRY, DCS_PARAM, [0x30, 0x3f]);
  go(DCS_ENTRY, DCS_PASSTHROUGH, [0x40, 0x7e]);
  stay(DCS_ENTRY, [0x7f, 0x7f]);
  go(DCS_PARAM, DCS_INTERMEDIATE, [0x20, 0x2f]);
  stay(DCS_PARAM, [0x30, 0x3b], [0x7f, 0x7f]);
  go(DCS_PARAM, DCS_IGNORE, [0x3c, 0x3f]);
  go(DCS_PARAM, DCS_PASSTHROUGH, [0x40, 0x7e]);
  stay(DCS_INTERMEDIATE, [0x20, 0x2f], [0x7f, 0x7f]);
  go(DCS_INTERMEDIATE, DCS_IGNORE, [0x30, 0x3f]);
  go(DCS_INTERMEDIATE, DCS_PASSTHROUGH, [0x40, 0x7e]);
  stay(DCS_IGNORE, [0x20, 0x7f], [PRINTABLE, PRINTABLE]);
  stay(DCS_PASSTHROUGH, [0x20, 0x7f], [PRINTABLE, PRINTABLE]);
  return table;
}
