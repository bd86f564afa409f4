/** Looks for a text or expression in a session's output and on its screen, as it comes. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { Offset, SessionId } from '#protocol/ids.ts';
import { PlainText } from '#session/plain-text.ts';
import { visibleText } from '#session/visible-text.ts';
import { readOutput } from './output.ts';

/** Text in which a match may lie, characters: what came before is forgotten. */
const WINDOW = 64 * 1024;
const PAGE_BYTES = 256 * 1024;
/** Longest match and what stands around it that is told, characters. */
const MAX_SHOWN = 500;

export type Pattern = (text: string) => { at: number; length: number } | null;

export function textPattern(wanted: string): Pattern {
  return (text) => {
    const at = text.indexOf(wanted);
    return at < 0 ? null : { at, length: wanted.length };
  };
}

/** Of JavaScript, as the program that runs this gives it: how long it may take is its own business. */
export function expressionPattern(wanted: RegExp): Pattern {
  const once = new RegExp(wanted.source, wanted.flags.replaceAll(/[gy]/g, ''));
  return (text) => {
    const found = once.exec(text);
    return found ? { at: found.index, length: found[0].length } : null;
  };
}

export class Match {
  readonly #client: CmdopClient;
  readonly #session: SessionId;
  readonly #pattern: Pattern;
  readonly #isScreenWanted: boolean;
  #plain = new PlainText();
  #window = '';
  #at: Offset;

  /** `from`: only output from there on counts; null: all from `since` on, and what is on the screen now as well. */
  constructor(options: { client: CmdopClient; session: SessionId; pattern: Pattern; from: Offset | null; since: Offset }) {
    this.#client = options.client;
    this.#session = options.session;
    this.#pattern = options.pattern;
    this.#isScreenWanted = options.from === null;
    this.#at = options.from ?? options.since;
  }

  get offset(): Offset {
    return this.#at;
  }

  /** The line with the match. */
  async look(): Promise<string | null> {
    for (;;) {
      const piece = await readOutput(this.#client, this.#session, { from: this.#at, max: PAGE_BYTES });
      if (piece.gap) this.#plain = new PlainText();
      this.#at = piece.next;
      this.#window = (this.#window + this.#plain.push(piece.bytes)).slice(-WINDOW);
      const found = piece.bytes.length > 0 ? this.#in(visibleText(this.#window)) : null;
      if (found !== null) return found;
      if (piece.next >= piece.end) break;
    }
    const screen = await this.#client.request('session.screen', { session: this.#session });
    // A full-screen program puts characters at places, not in an order that could be read.
    if (!this.#isScreenWanted && !screen.modes.alternateScreen) return null;
    return this.#in(screen.lines.map(visibleText).join('\n'));
  }

  #in(text: string): string | null {
    const match = this.#pattern(text);
    if (!match) return null;
    const from = text.lastIndexOf('\n', match.at - 1) + 1;
    const lineEnd = text.indexOf('\n', match.at + match.length);
    return text.slice(Math.max(from, match.at - MAX_SHOWN), lineEnd < 0 ? undefined : lineEnd).slice(0, 2 * MAX_SHOWN);
  }
}
