/** What `wait_for` looks for in a session: a text or expression in its output and on its screen, read as it comes. */
import { RE2JS } from 're2js';
import { CmdopError } from '#protocol/errors.ts';
import type { Offset, SessionId } from '#protocol/ids.ts';
import { PlainText } from '#session/plain-text.ts';
import { visibleText } from '#session/visible-text.ts';
import type { Agent } from './agent.ts';
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

/** RE2 syntax: linear in time whatever the pattern, so that it can stall nothing. Throws `bad-request`. */
export function regexPattern(source: string): Pattern {
  try {
    const compiled = RE2JS.compile(source, RE2JS.MULTILINE);
    return (text) => {
      const matcher = compiled.matcher(text);
      return matcher.find() ? { at: matcher.start(), length: matcher.end() - matcher.start() } : null;
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CmdopError(
      'bad-request',
      `${JSON.stringify(source)} is no regular expression of RE2 (no lookaround, no back-references): ${why}`,
    );
  }
}

export class Match {
  readonly #agent: Agent;
  readonly #session: SessionId;
  readonly #pattern: Pattern;
  readonly #isScreenWanted: boolean;
  #plain = new PlainText();
  #window = '';
  #at: Offset;

  /** `from`: only output from there on counts; null: what is on the screen now as well, and all that comes. */
  constructor(options: { agent: Agent; session: SessionId; pattern: Pattern; from: Offset | null; end: Offset }) {
    this.#agent = options.agent;
    this.#session = options.session;
    this.#pattern = options.pattern;
    this.#isScreenWanted = options.from === null;
    this.#at = options.from ?? options.end;
  }

  get offset(): Offset {
    return this.#at;
  }

  /** The line with the match. */
  async look(): Promise<string | null> {
    for (;;) {
      const piece = await readOutput(this.#agent.client, this.#session, { from: this.#at, max: PAGE_BYTES });
      if (piece.gap) this.#plain = new PlainText();
      this.#at = piece.next;
      this.#window = (this.#window + this.#plain.push(piece.bytes)).slice(-WINDOW);
      const found = piece.bytes.length > 0 ? this.#in(visibleText(this.#window)) : null;
      if (found !== null) return found;
      if (piece.next >= piece.end) break;
    }
    const screen = await this.#agent.client.request('session.screen', { session: this.#session });
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
