/** Input of one attachment, from what was typed to its verdict: does what the outbox decides. */
import type { CmdopError } from '#protocol/errors.ts';
import type { Channel } from '#protocol/ids.ts';
import type { Control } from '#protocol/shapes.ts';
import type { Connection } from './connection.ts';
import { InputOutbox, type OutboxAction, type Verdict } from './input-outbox.ts';

/** Largest single input unit, bytes; a larger paste becomes several. */
const MAX_UNIT_BYTES = 256 * 1024;
/** Why units are refused once the session has ended, for a person. */
const SESSION_ENDED = 'not typed: the session has ended';

/** Where units go. */
export type Link = { readonly connection: Connection; readonly channel: Channel };

export type InputOwner = {
  /** Null while the session is not attached. */
  link(): Link | null;
  refused(refusal: Extract<Verdict, { verdict: 'refused' }>, bytes: Uint8Array): void;
  controlChanged(control: Control): void;
  changed(): void;
};

export class StreamInput {
  readonly #owner: InputOwner;
  readonly #outbox = new InputOutbox();
  /** Who waits for a unit's verdict, by the unit's bytes. */
  readonly #awaitingVerdict = new Map<Uint8Array, (verdict: Verdict) => void>();

  constructor(owner: InputOwner) {
    this.#owner = owner;
  }

  get hasControl(): boolean {
    return this.#outbox.hasControl;
  }
  get epoch(): InputOutbox['epoch'] {
    return this.#outbox.epoch;
  }
  /** Input without a verdict: units and bytes. */
  get pending(): { units: number; bytes: number } {
    return { units: this.#outbox.pendingUnits, bytes: this.#outbox.pendingBytes };
  }

  /** Types one unit. Settles with its verdict; of several units for a large paste, with the last one's. */
  type(bytes: Uint8Array, { hasEnded }: { hasEnded: boolean }): Promise<Verdict> {
    let verdict = Promise.resolve<Verdict>({ seq: null, verdict: 'applied' });
    for (let at = 0; at < bytes.length; at += MAX_UNIT_BYTES) {
      const unit = bytes.slice(at, at + MAX_UNIT_BYTES);
      verdict = new Promise((resolve) => this.#awaitingVerdict.set(unit, resolve));
      const actions = this.#outbox.type(unit);
      if (hasEnded) actions.push(...this.#outbox.ended(SESSION_ENDED));
      this.#perform(actions);
    }
    return verdict;
  }

  attached(answer: Parameters<InputOutbox['attached']>[0]): void {
    this.#perform(this.#outbox.attached(answer));
  }
  applied(seq: Parameters<InputOutbox['applied']>[0]): void {
    this.#perform(this.#outbox.applied(seq));
  }
  refused(refusal: Parameters<InputOutbox['refused']>[0]): void {
    this.#perform(this.#outbox.refused(refusal));
  }
  /** Somebody else may have control now. */
  controlMoved({ epoch }: Control): void {
    this.#perform(this.#outbox.controlMoved(epoch));
  }
  /** Our own request for control was granted. */
  granted(control: Control): void {
    this.#owner.controlChanged(control);
    this.#perform(this.#outbox.granted(control.epoch));
    this.#owner.changed();
  }
  /** Drops what was not sent yet. */
  drop(): void {
    this.#perform(this.#outbox.drop('dropped', 'dropped'));
  }
  sessionEnded(): void {
    this.#perform(this.#outbox.ended(SESSION_ENDED));
  }
  detached(): void {
    this.#perform(this.#outbox.ended('detached'));
  }
  /** The connection is gone. */
  cut(): void {
    this.#outbox.cut();
  }

  #perform(actions: OutboxAction[]): void {
    for (const action of actions) {
      switch (action.do) {
        case 'send': {
          const link = this.#owner.link();
          link?.connection.sendInput(link.channel, action.unit);
          break;
        }
        case 'take':
          void this.#takeByTyping();
          break;
        case 'settle':
          this.#awaitingVerdict.get(action.bytes)?.(action.verdict);
          this.#awaitingVerdict.delete(action.bytes);
          if (action.verdict.verdict === 'refused') this.#owner.refused(action.verdict, action.bytes);
          break;
      }
    }
  }

  async #takeByTyping(): Promise<void> {
    const link = this.#owner.link();
    if (!link) return;
    const { connection, channel } = link;
    try {
      await connection.request('control.take', { channel }, ({ control }) => this.granted(control));
    } catch (error) {
      if (this.#owner.link()?.connection !== connection) return;
      this.#perform(this.#outbox.denied((error as CmdopError).message));
      this.#owner.changed();
    }
  }
}
