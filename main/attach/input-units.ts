/**
 * Cuts what a person's terminal sends into input units and cmdop's own keys: one read is one unit, but a bracketed
 * paste is one however many reads it takes. Pure; the owner of the time calls `flush`.
 */
import { findKey, type Key } from './keys.ts';

export type Typed =
  | { readonly is: 'unit'; readonly bytes: Uint8Array }
  | { readonly is: 'detach' }
  | { readonly is: 'take' }
  | { readonly is: 'talk' };

type OwnKey = 'detach' | 'take' | 'talk';
/** `talk`: null where nobody could hear it. */
export type OwnKeys = { detach: Key; take: Key; talk?: Key | null };

const PASTE_START = '\x1b[200~';
const PASTE_END = '\x1b[201~';
/** A paste this long goes on in another unit, bytes. */
const MAX_PASTE_BYTES = 256 * 1024;

export class InputUnits {
  readonly #keys: readonly { readonly is: OwnKey; readonly key: Key }[];
  #isPasting = false;
  /** Bytes of an unfinished paste, or what may be the start of its mark; one character is one byte. */
  #held = '';

  constructor({ detach, take, talk }: OwnKeys) {
    this.#keys = [{ is: 'detach', key: detach }, { is: 'take', key: take }, ...(talk ? [{ is: 'talk' as const, key: talk }] : [])];
  }

  /** Something waits for the next read: `flush` when none comes. */
  get isWaiting(): boolean {
    return this.#held !== '';
  }

  push(read: Uint8Array): Typed[] {
    let text = this.#held + Buffer.from(read.buffer, read.byteOffset, read.byteLength).toString('latin1');
    this.#held = '';
    const typed: Typed[] = [];
    while (text !== '') text = this.#isPasting ? this.#paste(text, typed) : this.#keystrokes(text, typed);
    return typed;
  }

  /** Nothing more comes of what waits. */
  flush(): Typed[] {
    const text = this.#held;
    this.#held = '';
    this.#isPasting = false;
    return text === '' ? [] : [unit(text)];
  }

  #paste(text: string, typed: Typed[]): string {
    const end = text.indexOf(PASTE_END);
    if (end >= 0) {
      this.#isPasting = false;
      typed.push(unit(text.slice(0, end + PASTE_END.length)));
      return text.slice(end + PASTE_END.length);
    }
    if (text.length > MAX_PASTE_BYTES) {
      // Its last bytes may be the start of the end mark.
      typed.push(unit(text.slice(0, -PASTE_END.length)));
      this.#held = text.slice(-PASTE_END.length);
    } else this.#held = text;
    return '';
  }

  #keystrokes(text: string, typed: Typed[]): string {
    const paste = text.indexOf(PASTE_START);
    const own = this.#keys
      .flatMap(({ is, key }) => {
        const found = findKey(key, text);
        return found ? [{ is, ...found }] : [];
      })
      .toSorted((a, b) => a.from - b.from)[0];
    if (own && (paste < 0 || own.from < paste)) {
      if (own.from > 0) typed.push(unit(text.slice(0, own.from)));
      typed.push({ is: own.is });
      return text.slice(own.to);
    }
    if (paste >= 0) {
      if (paste > 0) typed.push(unit(text.slice(0, paste)));
      this.#isPasting = true;
      return text.slice(paste);
    }
    // ESC alone is the Escape key and must not wait; ESC [ 2 is no key.
    const cut = [5, 4, 3].find((length) => text.endsWith(PASTE_START.slice(0, length))) ?? 0;
    const whole = text.slice(0, text.length - cut);
    if (whole !== '') typed.push(unit(whole));
    this.#held = text.slice(text.length - cut);
    return '';
  }
}

const unit = (text: string): Typed => ({ is: 'unit', bytes: Buffer.from(text, 'latin1') });

/** What looks like a key for each character or sequence; more of them in one unit are a paste. */
const MAX_KEYS = 8;

/** The keys of a unit: on a busy machine one read has several. */
export function keysIn(bytes: Uint8Array): string[] {
  const text = new TextDecoder().decode(bytes);
  const keys = text.match(/\x1b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|O[A-Za-z])|./gsu) ?? [];
  return keys.length > MAX_KEYS ? [text] : keys;
}

/** Sent by the terminal, not by the person: focus reports and movements of a mouse without a button. */
export function isAutomatic(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes).toString('latin1');
  // Bit 5 is motion; its low bits 3 are "no button".
  return /^(?:\x1b\[[IO]|\x1b\[<(?:35|39|43|47|51|55|59|63);\d+;\d+[Mm]|\x1b\[M[CGKOSW[_]..)+$/s.test(text);
}
