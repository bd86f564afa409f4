/** What people say to each other, as others may see it: one line, nothing that hides, moves or turns text round. Pure. */
import { CmdopError } from '#protocol/errors.ts';
import { MAX_SAID_CHARACTERS } from '#protocol/guests.ts';

/** Messages of one person in one session: so many at once, and one more each second. */
const AT_ONCE = 5;
const EVERY_MS = 1_000;
/** People whose pace is remembered. */
const MAX_KNOWN = 256;

/** Throws `bad-request` where nothing is left of it. */
export function saidText(text: string): string {
  const line = text
    .replace(/[\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}]/gu, '')
    // Marks without end on one letter reach into other lines.
    .replace(/(\p{M}{3})\p{M}+/gu, '$1')
    .trim();
  if (line === '') throw new CmdopError('bad-request', 'the message is empty: say something that shows');
  const characters = [...line];
  return characters.length <= MAX_SAID_CHARACTERS ? line : `${characters.slice(0, MAX_SAID_CHARACTERS - 1).join('')}…`;
}

export class TalkPace {
  readonly #known = new Map<string, { left: number; at: number }>();

  /** Throws `busy` for whoever talks faster than others can read. */
  take(who: string, now: number): void {
    const known = this.#known.get(who) ?? { left: AT_ONCE, at: now };
    const left = Math.min(AT_ONCE, known.left + (now - known.at) / EVERY_MS);
    if (left < 1) throw new CmdopError('busy', 'too many messages at once: others must be able to read them; try again in a second');
    this.#known.delete(who);
    this.#known.set(who, { left: left - 1, at: now });
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size > MAX_KNOWN) this.#known.delete(oldest);
  }
}
