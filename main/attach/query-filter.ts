/**
 * Takes out of output, on its way to a person's terminal, what must not reach it (output-rules.ts): above all a program's
 * questions, since a second answer beside the host's would be typed into the program. Pure, streaming; plain text is
 * never delayed.
 *
 * Terminals disagree about a string that is broken off, by ESC or a C1 control. Here it ends at once, with a terminator
 * where part of it was shown, so that what follows is judged for what it is in every terminal.
 */
import { allowedCsi, isAllowedEscape, judgeString, mayMatter, type StringKind } from './output-rules.ts';

/** Longest sequence held until it is known what it is, bytes: all colours of a palette fit. A longer one is dropped. */
const MAX_HELD_BYTES = 8192;
/** A CSI sequence longer than this is not judged where it lies. */
const MAX_FAST_BYTES = 256;

const ESC = 0x1b;
const BEL = 0x07;
const ENQ = 0x05;
const CAN = 0x18;
const SUB = 0x1a;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
/** First byte of U+0080 … U+00BF in UTF-8: C1 controls are U+009x. */
const C1_LEAD = 0xc2;
const TERMINATOR = Uint8Array.of(ESC, BACKSLASH);

type State =
  | 'ground'
  | 'lead' // after C1_LEAD
  | 'escape' // after ESC
  | 'intermediate' // ESC and an intermediate byte
  | 'csi'
  | 'csi-drop'
  | 'string-start' // OSC or DCS whose kind is not known yet: held
  | 'string-pass'
  | 'string-drop';

export class QueryFilter {
  #state: State = 'ground';
  /** Bytes of the unfinished sequence, not passed on yet. */
  #held: number[] = [];
  #string: StringKind = 'other';
  #bodyAt = 0;
  /** A string can only be judged as a whole. */
  #isLate = false;
  /** In a string: the last byte was ESC or C1_LEAD, which may start its terminator; it was not passed on. */
  #mayEnd = 0;
  /** UTF-8 bytes that the last character still lacks. */
  #utf8Missing = 0;
  #parts: Uint8Array[] = [];

  /** What is unfinished was kept back as a whole: a terminal may begin to show what comes from here on. */
  get isWhole(): boolean {
    return this.#state !== 'string-pass' && this.#utf8Missing === 0;
  }

  /** The bytes to show. Parts of an unfinished sequence are kept for the next call. */
  push(chunk: Uint8Array): Uint8Array {
    let from = 0; // start of what is shown as it is
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (this.#state === 'ground') {
        const csiEnd = byte === ESC && chunk[at + 1] === BRACKET ? endOfCsi(chunk, at + 2) : -1;
        if (csiEnd > 0) {
          // A whole CSI sequence in one piece, by far the most frequent: judged where it lies.
          this.#utf8Missing = 0;
          if (mayMatter(chunk[at + 2] ?? 0, chunk[csiEnd] ?? 0)) {
            const body = latin1(chunk.subarray(at + 2, csiEnd + 1));
            const allowed = allowedCsi(body);
            if (allowed !== body) {
              this.#show(chunk, from, at);
              if (allowed) this.#parts.push(Buffer.from(`\x1b[${allowed}`, 'latin1'));
              from = csiEnd + 1;
            }
          }
          at = csiEnd;
        } else if (byte >= 0x20 && byte < 0x80) {
          this.#utf8Missing = 0;
        } else if (byte === ESC || byte === C1_LEAD) {
          this.#show(chunk, from, at);
          this.#begin(byte);
        } else if (byte === ENQ) {
          this.#show(chunk, from, at);
          from = at + 1;
        } else if (byte >= 0x80) {
          this.#countUtf8(byte);
        }
        continue;
      }
      if (this.#state === 'string-pass' && this.#mayEnd === 0) {
        const isLead = byte === ESC || byte === C1_LEAD;
        if (!isLead && !this.#isLast(byte)) continue;
        this.#show(chunk, from, isLead ? at : at + 1);
        if (isLead) this.#mayEnd = byte;
        else this.#state = 'ground';
        from = at + 1;
        continue;
      }
      from = at + 1;
      if (!this.#take(byte)) {
        from = at;
        at--; // it begins something new
      } else if (this.#held.length > MAX_HELD_BYTES) this.#drop(this.#state === 'string-start' ? 'string-drop' : 'csi-drop');
    }
    if (this.#state === 'ground' || (this.#state === 'string-pass' && this.#mayEnd === 0)) this.#show(chunk, from, chunk.length);
    return this.#shown();
  }

  /** The next byte of a sequence; false if it is none of it and must be looked at again. */
  #take(byte: number): boolean {
    switch (this.#state) {
      case 'lead':
        if ((byte & 0xc0) !== 0x80) {
          this.#drop('ground'); // a character broken off
          return false;
        }
        this.#held.push(byte);
        this.#introduced(byte, C1_INTRODUCERS, false);
        return true;
      case 'string-start':
      case 'string-pass':
      case 'string-drop':
        return this.#inString(byte);
      case 'csi-drop':
        if (byte === ESC || byte === CAN || byte === SUB || (byte >= 0x40 && byte !== 0x7f)) this.#drop('ground');
        return byte !== ESC && byte < 0x80;
      default:
        return this.#inSequence(byte);
    }
  }

  /**
   * Escape sequences and CSI: CAN and SUB end them, ESC starts the next; terminals know the same rules. What is broken off
   * is not shown: if what broke it is not either, what comes then would be taken for its rest.
   */
  #inSequence(byte: number): boolean {
    if (byte === ESC || byte >= 0x80) {
      this.#finish('');
      return false;
    }
    this.#held.push(byte);
    if (byte === CAN || byte === SUB) this.#pass('ground');
    else if (this.#state === 'escape') this.#introduced(byte, ESC_INTRODUCERS, true);
    else if (this.#state === 'intermediate') {
      if (byte >= 0x30 && byte < 0x7f) this.#finish(isAllowedEscape(this.#text(1)) ? 'all' : '');
    } else if (byte >= 0x40 && byte < 0x7f) {
      const body = this.#text(this.#bodyAt);
      const allowed = allowedCsi(body);
      this.#finish(allowed === body ? 'all' : allowed);
    }
    return true;
  }

  #introduced(byte: number, introducers: ReadonlyMap<number, Introducer>, isEscape: boolean): void {
    const introducer = introducers.get(byte);
    this.#bodyAt = this.#held.length;
    if (introducer === 'csi') this.#state = 'csi';
    else if (introducer === 'id') this.#drop('ground');
    else if (introducer !== undefined) {
      this.#string = introducer;
      this.#mayEnd = 0;
      this.#isLate = false;
      this.#state = 'string-start';
      if (introducer === 'other') this.#drop('string-drop');
    } else if (isEscape && byte < 0x20)
      return; // a control acts at once and ends nothing
    else if (isEscape && byte < 0x30) this.#state = 'intermediate';
    else if (byte !== 0x7f || !isEscape) this.#pass('ground');
  }

  #inString(byte: number): boolean {
    const lead = this.#mayEnd;
    this.#mayEnd = 0;
    if (lead === 0) {
      if (byte === ESC || byte === C1_LEAD) this.#mayEnd = byte;
      else if (this.#isLast(byte)) this.#endString(byte);
      else this.#more(byte);
      return true;
    }
    if (lead === ESC && byte === BACKSLASH) this.#endString(ESC, BACKSLASH);
    else if (lead === C1_LEAD && byte === 0x9c) this.#endString(C1_LEAD, byte);
    else if (lead === ESC || (byte >= 0x80 && byte < 0xa0)) {
      this.#endString(...TERMINATOR);
      this.#begin(lead);
      return false;
    } else {
      this.#more(lead);
      return false;
    }
    return true;
  }

  /** A byte within a string, shown, held or dropped. */
  #more(byte: number): void {
    if (this.#state === 'string-pass') this.#parts.push(Uint8Array.of(byte));
    if (this.#state !== 'string-start') return;
    this.#held.push(byte);
    if (this.#isLate) return;
    const verdict = judgeString(this.#string, this.#text(this.#bodyAt), false);
    if (verdict === 'pass') this.#pass('string-pass');
    else if (verdict === 'drop') this.#drop('string-drop');
    else if (byte === 0x3b && this.#string === 'osc') this.#isLate = true; // its number is known: the end will tell
  }

  #endString(...terminator: number[]): void {
    if (this.#state === 'string-pass') this.#parts.push(Uint8Array.from(terminator));
    else if (this.#state === 'string-start' && judgeString(this.#string, this.#text(this.#bodyAt), true) === 'pass') {
      this.#held.push(...terminator);
      this.#pass('ground');
      return;
    }
    this.#drop('ground');
  }

  /** Whether `byte` alone ends a string. */
  #isLast(byte: number): boolean {
    return byte === CAN || byte === SUB || (byte === BEL && this.#string === 'osc');
  }

  #begin(lead: number): void {
    this.#held = [lead];
    this.#bodyAt = 1;
    this.#utf8Missing = 0;
    this.#state = lead === ESC ? 'escape' : 'lead';
  }

  /** The sequence held is whole: all of it is shown, or a part. Control characters inside act at once, so they stay. */
  #finish(allowed: string): void {
    if (allowed === 'all') {
      this.#pass('ground');
      return;
    }
    const controls = this.#held.slice(this.#bodyAt).filter((byte) => byte < 0x20);
    if (controls.length > 0) this.#parts.push(Uint8Array.from(controls));
    if (allowed) this.#parts.push(Buffer.from(`\x1b[${allowed.replace(/[\x00-\x1f\x7f]/g, '')}`, 'latin1'));
    this.#drop('ground');
  }

  #text(from: number): string {
    return latin1(this.#held.slice(from));
  }

  #pass(next: State): void {
    this.#parts.push(Uint8Array.from(this.#held));
    this.#drop(next);
  }

  #drop(next: State): void {
    this.#held = [];
    this.#state = next;
  }

  #countUtf8(byte: number): void {
    if (byte < 0xc0) this.#utf8Missing = Math.max(0, this.#utf8Missing - 1);
    else this.#utf8Missing = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
  }

  #show(chunk: Uint8Array, from: number, to: number): void {
    if (to > from) this.#parts.push(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
  }

  #shown(): Uint8Array {
    const parts = this.#parts;
    this.#parts = [];
    if (parts.length === 1 && parts[0]) return parts[0];
    return Buffer.concat(parts);
  }
}

type Introducer = 'csi' | StringKind | 'id';
/** By the byte after ESC; `id` is DECID, an old way to ask for device attributes. */
const ESC_INTRODUCERS = new Map<number, Introducer>([
  [0x5b, 'csi'],
  [0x5d, 'osc'],
  [0x50, 'dcs'],
  [0x5f, 'other'],
  [0x5e, 'other'],
  [0x58, 'other'],
  [0x5a, 'id'],
]);
const C1_INTRODUCERS = new Map<number, Introducer>([...ESC_INTRODUCERS].map(([byte, introducer]) => [byte + 0x40, introducer]));

/** Where the final byte of the CSI sequence is whose parameters start at `from`; -1 if it is not there, or not plain. */
function endOfCsi(chunk: Uint8Array, from: number): number {
  for (let at = from; at < Math.min(chunk.length, from + MAX_FAST_BYTES); at++) {
    const byte = chunk[at] ?? 0;
    if (byte >= 0x40 && byte < 0x7f) return at;
    if (byte < 0x20 || byte > 0x3f) return -1;
  }
  return -1;
}

const latin1 = (bytes: ArrayLike<number>) => Buffer.from(Uint8Array.from(bytes)).toString('latin1');
