/** Talking and pointing from a terminal: a key opens a line for it, and what others say and point at is shown. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { ConnectionEvent } from '#client/connection.ts';
import type { EventParams } from '#protocol/messages.ts';
import type { AttachView } from './attach-view.ts';
import { printable } from './cells.ts';
import type { Key } from './keys.ts';
import { TalkLine, type TalkStep } from './talk-line.ts';

/** How long what somebody said is shown, milliseconds: long enough to read it while working. */
const SAID_MS = 8_000;

export type TalkOptions = {
  client: CmdopClient;
  key: Key | null;
  /** The session's id, or how it was asked for. */
  session(): string;
  view(): AttachView | null;
  /** To the program. */
  type(bytes: Uint8Array): void;
  complain(sentence: string): void;
};

export class Talk {
  readonly #options: TalkOptions;
  #line: TalkLine | null = null;

  constructor(options: TalkOptions) {
    this.#options = options;
  }

  /** The key that opens the line; pressed again in an empty one it is the program's. */
  key(): void {
    const { key, type } = this.#options;
    const line = this.#line;
    if (!line) {
      this.#line = new TalkLine();
      this.#show();
      return;
    }
    this.#close();
    if (line.isEmpty && key) type(Buffer.from(key.forms[0] ?? '', 'latin1'));
  }

  /** What was typed, if it belongs to the line that is open. */
  typed(bytes: Uint8Array): boolean {
    if (!this.#line) return false;
    const step = this.#line.push(bytes);
    if (step.is === 'changed') this.#show();
    else this.#close();
    if (step.is === 'done') this.#send(step);
    return true;
  }

  heard(event: ConnectionEvent): void {
    if (event.event === 'share.said' && this.#isHere(event.params.session)) this.#said(event.params);
    if (event.event === 'share.pointed' && this.#isHere(event.params.session)) this.#pointed(event.params);
  }

  #said({ by, text }: EventParams<'share.said'>): void {
    this.#options.view()?.say(`${printable(by.name)}: ${printable(text)}`, SAID_MS);
  }

  #pointed({ by, pointing }: EventParams<'share.pointed'>): void {
    const view = this.#options.view();
    if (!pointing || !view) return void view?.point(by.id, null);
    const isHere = view.point(by.id, { pointing, color: by.color, forMs: pointing.forMs });
    const text = pointing.text === null ? '' : `: ${printable(pointing.text)}`;
    const [first = ''] = pointing.lines;
    const where = isHere ? 'the marked lines' : `“${printable(first.trim()).slice(0, 60)}”, which is not in sight`;
    view.say(`${printable(by.name)} points at ${where}${text}`, SAID_MS);
  }

  #send({ text, chosen }: Extract<TalkStep, { is: 'done' }>): void {
    const { client, complain } = this.#options;
    const session = this.#options.session();
    const sent = chosen
      ? client.request('share.point', { session, at: { last: chosen }, ...(text === '' ? {} : { text }) })
      : client.request('share.say', { session, text });
    sent.catch((error: unknown) => complain(`not said: ${error instanceof Error ? error.message : String(error)}`));
  }

  #close(): void {
    this.#line = null;
    this.#options.view()?.sayWriting(null);
  }

  #show(): void {
    const view = this.#options.view();
    const line = this.#line;
    if (!view || !line) return;
    const { chosen, text } = line;
    const last = view.lastRow ?? 0;
    const color = this.#options.client.actor?.color ?? 0;
    const rows = chosen && { from: last + 1 - chosen.from, to: last + 1 - chosen.to, color };
    const what = chosen
      ? `point at ${chosen.from - chosen.to + 1 === 1 ? 'this line' : `these ${chosen.from - chosen.to + 1} lines`}`
      : 'say';
    view.sayWriting(`${what}: ${printable(text)}▏ Enter sends, ↑ ↓ Shift-↑ choose lines, Escape leaves`, rows);
  }

  #isHere = (session: string): boolean => session === this.#options.session();
}
