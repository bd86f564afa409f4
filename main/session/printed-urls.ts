/** The addresses of this machine that a program printed: `http://localhost:5173/`. Pure. */
import { PlainText } from './plain-text.ts';

/** Of one session; the oldest go first. */
const MAX_URLS = 64;
/** Longest that is taken, and of an unfinished line what is kept, characters. */
const MAX_URL_CHARACTERS = 2048;

const ADDRESS = /\bhttps?:\/\/(?:localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[::1?\]):(\d{1,5})(?![\d.])(?:\/[\w\-./~%!$&'()*+,;=:@?#]*)?/gi;
/** Where a link leads that a program put behind a text (OSC 8). */
const LINK = /\x1b\]8;[^;\x07\x1b]*;([^\x07\x1b]*)(?:\x07|\x1b\\)/g;
/** Punctuation of the sentence around it. */
const TAIL = /[.,;:!?)'"]+$/;

const decoder = new TextDecoder();

export class PrintedUrls {
  readonly #urls = new Map<number, string>();
  #plain = new PlainText();
  /** The end of what was read, which may go on. */
  #rest = '';

  /** The next output. Colours in the middle of an address are no part of it. */
  read(bytes: Uint8Array): void {
    for (const [, target = ''] of decoder.decode(bytes).matchAll(LINK)) this.#take(target);
    const text = this.#rest + this.#plain.push(bytes);
    const lineEnd = text.lastIndexOf('\n') + 1;
    this.#take(text.slice(0, lineEnd));
    this.#rest = text.slice(lineEnd).slice(-MAX_URL_CHARACTERS);
    // Of an unfinished line what something follows: the rest of a number may still come.
    this.#take(this.#rest.slice(0, this.#rest.lastIndexOf(' ') + 1));
  }

  /** Output was skipped: what was begun does not go on. */
  skipped(): void {
    this.#plain = new PlainText();
    this.#rest = '';
  }

  get(port: number): string | null {
    return this.#urls.get(port) ?? null;
  }

  #take(text: string): void {
    for (const match of text.matchAll(ADDRESS)) {
      const port = Number(match[1]);
      const url = match[0].replace(TAIL, '');
      if (port < 1 || port > 65_535 || url.length > MAX_URL_CHARACTERS) continue;
      this.#urls.delete(port);
      this.#urls.set(port, url.replace(/\/\/(?:0\.0\.0\.0|\[::\]):/, '//localhost:'));
      const [oldest] = this.#urls.keys();
      if (oldest !== undefined && this.#urls.size > MAX_URLS) this.#urls.delete(oldest);
    }
  }
}
