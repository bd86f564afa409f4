/**
 * Removes a program's questions to its terminal from output on its way to a person's terminal: the host's own terminal
 * answers them, and a second answer would be typed into the program. Pure, streaming; plain text is never delayed.
 */

/** Longest sequence held until it is known what it is, bytes. A longer one is passed on: no question is that long. */
const MAX_HELD_BYTES = 4096;

const ESC = 0x1b;
const BEL = 0x07;
const ENQ = 0x05;
const CAN = 0x18;
const SUB = 0x1a;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
/** First byte of U+0080 … U+00BF in UTF-8: C1 controls are U+009x. */
const C1_LEAD = 0xc2;

type State =
  | 'ground'
  | 'lead' // after C1_LEAD
  | 'escape' // after ESC
  | 'intermediate' // ESC and an intermediate byte
  | 'csi'
  | 'string-start' // OSC, DCS or APC whose kind is not known yet: held
  | 'string-pass'
  | 'string-drop';

export class QueryFilter {
  #state: State = 'ground';
  /** Bytes of the unfinished sequence, not passed on yet. */
  #held: number[] = [];
  #string: 'osc' | 'dcs' | 'apc' | 'other' = 'other';
  #bodyAt = 0;
  /** In a string: the last byte was ESC or C1_LEAD, which may start its terminator. */
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
          if (mayAsk(chunk, at + 2, csiEnd) && isCsiQuery(Buffer.from(chunk.subarray(at + 2, csiEnd + 1)).toString('latin1'))) {
            this.#show(chunk, from, at);
            from = csiEnd + 1;
          }
          at = csiEnd;
        } else if (byte >= 0x20 && byte < 0x80) {
          this.#utf8Missing = 0;
        } else if (byte === ESC || byte === C1_LEAD) {
          this.#show(chunk, from, at);
          this.#held = [byte];
          this.#utf8Missing = 0;
          this.#state = byte === ESC ? 'escape' : 'lead';
        } else if (byte === ENQ) {
          this.#show(chunk, from, at);
          from = at + 1;
        } else if (byte >= 0x80) {
          this.#countUtf8(byte);
        }
        continue;
      }
      if (this.#state === 'string-pass') {
        if (this.#stringGoesOn(byte)) continue;
        this.#show(chunk, from, at + 1);
        from = at + 1;
        this.#state = 'ground';
        continue;
      }
      const wasDropping = this.#state === 'string-drop';
      this.#sequence(byte);
      from = at + 1;
      if (wasDropping) continue;
      if (this.#held.length > MAX_HELD_BYTES) this.#pass(this.#state === 'string-start' ? 'string-pass' : 'ground');
    }
    if (this.#state === 'ground' || this.#state === 'string-pass') this.#show(chunk, from, chunk.length);
    return this.#take();
  }

  #sequence(byte: number): void {
    switch (this.#state) {
      case 'lead':
        this.#held.push(byte);
        this.#introduced(byte, C1_INTRODUCERS, 'lead');
        return;
      case 'escape':
        if (this.#isInterrupted(byte)) return;
        this.#held.push(byte);
        this.#introduced(byte, ESC_INTRODUCERS, 'escape');
        return;
      case 'intermediate':
        if (this.#isInterrupted(byte)) return;
        this.#held.push(byte);
        if (byte >= 0x30) this.#pass('ground');
        return;
      case 'csi':
        if (this.#isInterrupted(byte)) return;
        this.#held.push(byte);
        if (byte >= 0x40 && byte < 0x7f) {
          if (isCsiQuery(this.#text())) this.#drop('ground');
          else this.#pass('ground');
        }
        return;
      case 'string-start':
        this.#held.push(byte);
        if (!this.#stringGoesOn(byte)) {
          if (isStringQuery(this.#string, this.#text())) this.#drop('ground');
          else this.#pass('ground');
        } else if (this.#mayEnd === 0) this.#judgeString();
        return;
      case 'string-drop':
        if (!this.#stringGoesOn(byte)) this.#state = 'ground';
        return;
      case 'ground':
      case 'string-pass':
        return; // handled in place by push
    }
  }

  #introduced(byte: number, introducers: ReadonlyMap<number, Introducer>, after: 'escape' | 'lead'): void {
    const introducer = introducers.get(byte);
    if (introducer === 'csi') {
      this.#state = 'csi';
      this.#bodyAt = this.#held.length;
    } else if (introducer === 'id') this.#drop('ground');
    else if (introducer !== undefined) {
      this.#state = 'string-start';
      this.#string = introducer;
      this.#bodyAt = this.#held.length;
      this.#mayEnd = 0;
      if (introducer === 'other') this.#pass('string-pass');
    } else if (after === 'escape' && byte >= 0x20 && byte < 0x30) this.#state = 'intermediate';
    else this.#pass('ground');
  }

  /** CAN and SUB end a sequence, ESC starts the next; what was held is shown, as the terminal knows the same rules. */
  #isInterrupted(byte: number): boolean {
    if (byte === CAN || byte === SUB) {
      this.#held.push(byte);
      this.#pass('ground');
      return true;
    }
    if (byte === ESC) {
      this.#pass('escape');
      this.#held.push(byte);
      return true;
    }
    return false;
  }

  /** False when `byte` is the last of the string. */
  #stringGoesOn(byte: number): boolean {
    const before = this.#mayEnd;
    this.#mayEnd = byte === ESC || byte === C1_LEAD ? byte : 0;
    if (byte === CAN || byte === SUB) return false;
    if (byte === BEL) return this.#string !== 'osc';
    if (before === ESC) return byte !== BACKSLASH;
    return !(before === C1_LEAD && byte === 0x9c);
  }

  /** Decides as early as possible, so that a picture or a clipboard is neither held nor cut. */
  #judgeString(): void {
    const body = this.#text();
    if (this.#string === 'dcs') {
      const intro = /^[0-?]*([ -/]*)([@-~])/.exec(body);
      if (!intro) return;
      if (intro[2] === 'q' && (intro[1] === '$' || intro[1] === '+')) this.#drop('string-drop');
      else this.#pass('string-pass');
    } else if (this.#string === 'apc') {
      // Kitty graphics are answered by the terminal; the host's own knows none, so none is shown.
      if (body.startsWith('G')) this.#drop('string-drop');
      else this.#pass('string-pass');
    } else {
      const number = /^(\d*);/.exec(body)?.[1];
      if (number === undefined) {
        if (!/^\d{0,6}$/.test(body)) this.#pass('string-pass');
      } else if (DROPPED_OSC.has(number)) this.#drop('string-drop');
      else if (!ASKING_OSC.has(number)) this.#pass('string-pass');
    }
  }

  #text(): string {
    return String.fromCharCode(...this.#held.slice(this.#bodyAt));
  }

  #pass(next: State): void {
    this.#parts.push(Uint8Array.from(this.#held));
    this.#held = [];
    this.#state = next;
  }

  /** Control characters inside a sequence act at once, so they stay. */
  #drop(next: State): void {
    const controls = this.#state === 'csi' ? this.#held.slice(this.#bodyAt).filter((byte) => byte < 0x20) : [];
    if (controls.length > 0) this.#parts.push(Uint8Array.from(controls));
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

  #take(): Uint8Array {
    const parts = this.#parts;
    this.#parts = [];
    if (parts.length === 1 && parts[0]) return parts[0];
    return Buffer.concat(parts);
  }
}

type Introducer = 'csi' | 'osc' | 'dcs' | 'apc' | 'other' | 'id';
/** By the byte after ESC; `id` is DECID, an old way to ask for device attributes. */
const ESC_INTRODUCERS = new Map<number, Introducer>([
  [0x5b, 'csi'],
  [0x5d, 'osc'],
  [0x50, 'dcs'],
  [0x5f, 'apc'],
  [0x5e, 'other'],
  [0x58, 'other'],
  [0x5a, 'id'],
]);
const C1_INTRODUCERS = new Map<number, Introducer>([...ESC_INTRODUCERS].map(([byte, introducer]) => [byte + 0x40, introducer]));

/** Where the final byte of the CSI sequence is whose parameters start at `from`; -1 if it is not there, or not plain. */
function endOfCsi(chunk: Uint8Array, from: number): number {
  for (let at = from; at < chunk.length; at++) {
    const byte = chunk[at] ?? 0;
    if (byte >= 0x40 && byte < 0x7f) return at;
    if (byte < 0x20 || byte > 0x3f) return -1;
  }
  return -1;
}

/** A CSI sequence, without its introducer, that is answered by what it is sent to. */
function isCsiQuery(sequence: string): boolean {
  const [, prefix = '', params = '', intermediates = '', final = ''] =
    /^([<-?]?)([0-9:;]*)([ -/]*)([@-~])$/.exec(sequence.replace(/[\x00-\x1f]/g, '')) ?? [];
  const kind = `${prefix}|${intermediates}|${final}`;
  if (kind === '||t') return /^(1[1-9]|2[01])\b/.test(params); // XTWINOPS reports
  return CSI_QUERIES.has(kind);
}

/** `prefix|intermediates|final`: attributes, status, modes, versions, kitty flags, checksums (xterm's ctlseqs). */
const CSI_QUERIES = new Set('||c >||c =||c ||n ?||n ||x |$|p ?|$|p >||q ?||u ?||S ?||m |*|y |$|w |"|v |&|u |#|R'.split(' '));

/** Whether a byte ends any of the above. */
const MAY_ASK = new Uint8Array(256);
for (const kind of [...CSI_QUERIES, '||t']) MAY_ASK[kind.charCodeAt(kind.length - 1)] = 1;

/** Colours end as one question does, which has a `?`. */
function mayAsk(chunk: Uint8Array, from: number, end: number): boolean {
  return MAY_ASK[chunk[end] ?? 0] === 1 && (chunk[end] !== 0x6d || chunk[from] === 0x3f);
}

/** Colours, font, kitty's colours and pointer: a `?` asks. */
const ASKING_OSC = new Set('4 5 10 11 12 13 14 15 16 17 18 19 21 22 50 1337'.split(' '));
/** The clipboard, xterm's and kitty's: nothing a program may read or write by printing. */
const DROPPED_OSC = new Set(['52', '5522']);

function isStringQuery(string: 'osc' | 'dcs' | 'apc' | 'other', held: string): boolean {
  if (string !== 'osc') return false;
  const body = held.replace(/(\x07|\x1b\\|\xc2\x9c|\x18|\x1a)$/, '');
  const [number = '', ...values] = body.split(';');
  if (number === '1337') return /^(Report|Request|Capabilities)/.test(values[0] ?? '');
  return ASKING_OSC.has(number) && values.some((value) => value === '?' || value.endsWith('=?') || value.startsWith('?'));
}
