/**
 * Input units of one client in one session, from the keystroke to the verdict. Pure: returns what to send.
 *
 * Invariant 3: every unit gets exactly one verdict, and it is true. For that
 *  - a unit is kept until its verdict, and sent again after a reconnect with the epoch it was typed under;
 *  - nothing is sent in a new epoch while a unit of an older one waits, so that "applied up to n" never covers a refused unit;
 *  - a unit typed before somebody else took control is refused here and never sent.
 */
import type { Epoch, Seq } from '#protocol/ids.ts';
import type { EventParams } from '#protocol/messages.ts';

/** Sent and without a verdict, bytes: the rest of a large paste stays here, where an interrupt can still drop it. */
const MAX_SENT_BYTES = 64 * 1024;
/** The same of units, so that a host always reads what comes after them. */
const MAX_SENT_UNITS = 512;

export type Refusal = EventParams<'input.refused'>['reason'] | 'dropped';
export type Verdict = { seq: Seq | null; verdict: 'applied' } | { seq: Seq | null; verdict: 'refused'; reason: Refusal; message: string };
export type SentUnit = { seq: Seq; epoch: Epoch; bytes: Uint8Array };
/** What the owner must do now, in order. */
export type OutboxAction = { do: 'send'; unit: SentUnit } | { do: 'take' } | { do: 'settle'; verdict: Verdict; bytes: Uint8Array };

/** A unit not sent yet: `epoch` is the session's when it was typed, null before the first attach answer. */
type HeldUnit = { epoch: Epoch | null; bytes: Uint8Array };

/** What an attach answer says of input. */
export type AttachedState = {
  applied: Seq;
  accepted?: Seq | undefined;
  refused: readonly { seq: Seq; reason: string }[];
  hasControl: boolean;
  epoch: Epoch;
};

export class InputOutbox {
  #nextSeq = 1;
  #sent: SentUnit[] = [];
  #held: HeldUnit[] = [];
  #epoch: Epoch | null = null;
  #hasControl = false;
  #isAttached = false;
  #isAsking = false;

  /** Units that were sent and have no verdict. */
  get sentUnits(): number {
    return this.#sent.length;
  }

  /** Units without a verdict. */
  get pendingUnits(): number {
    return this.#sent.length + this.#held.length;
  }

  get pendingBytes(): number {
    let bytes = 0;
    for (const unit of this.#sent) bytes += unit.bytes.length;
    for (const unit of this.#held) bytes += unit.bytes.length;
    return bytes;
  }

  get hasControl(): boolean {
    return this.#hasControl;
  }

  /** The epoch to claim at the next attach; null before the first. */
  get epoch(): Epoch | null {
    return this.#epoch;
  }

  /** A keystroke, a paste, a line: one unit, whole. Up to an attach answer it is held. */
  type(bytes: Uint8Array): OutboxAction[] {
    this.#held.push({ epoch: this.#epoch, bytes });
    return this.#advance();
  }

  /** The attach answer; verdicts may follow it, never precede it. */
  attached(answer: AttachedState): OutboxAction[] {
    const actions: OutboxAction[] = [];
    // An earlier stream of this client may have been here: what it sent is not ours.
    this.#nextSeq = Math.max(this.#nextSeq, (answer.accepted ?? 0) + 1);
    this.#isAttached = true;
    this.#isAsking = false;
    const refused = new Map(answer.refused.map(({ seq, reason }) => [seq, reason]));
    for (const unit of this.#sent) {
      const reason = refused.get(unit.seq);
      if (reason !== undefined) actions.push(settle(unit, { verdict: 'refused', reason: 'not-in-control', message: reason }));
      else if (unit.seq <= answer.applied) actions.push(settle(unit, { verdict: 'applied' }));
    }
    this.#sent = this.#sent.filter(({ seq }) => seq > answer.applied && !refused.has(seq));
    for (const unit of this.#sent) actions.push({ do: 'send', unit });
    this.#hasControl = answer.hasControl;
    actions.push(...this.#moveEpoch(answer.epoch, answer.epoch));
    return [...actions, ...this.#advance()];
  }

  /** The link is gone: nothing is lost, nothing is sent until the next attach answer. */
  cut(): void {
    this.#isAttached = false;
    this.#hasControl = false;
    this.#isAsking = false;
  }

  /** Our own request for control was granted. `isOpen`: everybody has it, and our request moved nothing. */
  granted(epoch: Epoch, { isOpen } = { isOpen: false }): OutboxAction[] {
    this.#isAsking = false;
    this.#hasControl = true;
    // Our take moved the epoch by one. Where it moved further, somebody else had control in between.
    return [...this.#moveEpoch(epoch, isOpen ? epoch : ((epoch - 1) as Epoch)), ...this.#advance()];
  }

  /** Our own request for control was refused: what waited for it is refused too. */
  denied({ reason, message }: { reason: Refusal; message: string }): OutboxAction[] {
    this.#isAsking = false;
    return this.#refuseHeld(reason, message);
  }

  /** Control moved by somebody else's hand: to another client, to nobody, or to us. */
  controlMoved({ epoch, hasControl }: { epoch: Epoch; hasControl: boolean }): OutboxAction[] {
    this.#hasControl = hasControl;
    if (hasControl) return [...this.#moveEpoch(epoch, epoch), ...this.#advance()];
    this.#epoch = epoch;
    // While we ask, the grant tells what is stale; its answer is on the way.
    return this.#isAsking ? [] : this.#moveEpoch(epoch, epoch);
  }

  applied(upTo: Seq): OutboxAction[] {
    const actions = this.#sent.filter(({ seq }) => seq <= upTo).map((unit) => settle(unit, { verdict: 'applied' }));
    this.#sent = this.#sent.filter(({ seq }) => seq > upTo);
    return [...actions, ...this.#advance()];
  }

  refused(refusal: { seq: Seq; reason: Refusal; message: string; controlKept: boolean }): OutboxAction[] {
    const { reason, message } = refusal;
    // A refusal of an older epoch says nothing about control taken since.
    const isCurrent = this.#sent.some(({ seq, epoch }) => seq === refusal.seq && epoch === this.#epoch);
    if (isCurrent && !refusal.controlKept) this.#hasControl = false;
    const actions = this.#sent
      .filter(({ seq }) => seq === refusal.seq)
      .map((unit) => settle(unit, { verdict: 'refused', reason, message }));
    this.#sent = this.#sent.filter(({ seq }) => seq !== refusal.seq);
    return [...actions, ...this.#advance()];
  }

  /** The session has ended, or the user dropped what waits: units that were never sent are refused. */
  drop(reason: 'session-ended' | 'dropped', message: string): OutboxAction[] {
    return this.#refuseHeld(reason, message);
  }

  /** An owner has removed this client: units above `accepted` cannot run any more. */
  removed(accepted: Seq, message: string): OutboxAction[] {
    this.#hasControl = false;
    const out = this.#sent.filter(({ seq }) => seq > accepted);
    this.#sent = this.#sent.filter(({ seq }) => seq <= accepted);
    return [
      ...out.map((unit) => settle(unit, { verdict: 'refused', reason: 'dropped', message })),
      ...this.#refuseHeld('dropped', message),
    ];
  }

  /** The session ended: no verdict can come any more, so whatever has none did not reach a living program. */
  ended(message: string): OutboxAction[] {
    const actions = this.#sent.map((unit) => settle(unit, { verdict: 'refused', reason: 'session-ended', message }));
    this.#sent = [];
    return [...actions, ...this.#refuseHeld('session-ended', message)];
  }

  /** Only units typed in epoch `current`, or in `typedIn` just before our own take, may still run. */
  #moveEpoch(current: Epoch, typedIn: Epoch): OutboxAction[] {
    this.#epoch = current;
    const stale = this.#held.filter(({ epoch }) => epoch !== typedIn && epoch !== current && epoch !== null);
    this.#held = this.#held.filter((unit) => !stale.includes(unit)).map(({ bytes }) => ({ bytes, epoch: current }));
    const message = 'not typed: someone else took control after you typed this';
    return stale.map((unit) => settle(unit, { verdict: 'refused', reason: 'stale-epoch', message }));
  }

  #refuseHeld(reason: Refusal, message: string): OutboxAction[] {
    const held = this.#held;
    this.#held = [];
    return held.map((unit) => settle(unit, { verdict: 'refused', reason, message }));
  }

  #advance(): OutboxAction[] {
    if (!this.#isAttached || this.#held.length === 0) return [];
    if (!this.#hasControl) {
      if (this.#isAsking || this.#sent.length > 0) return [];
      this.#isAsking = true;
      return [{ do: 'take' }];
    }
    const epoch = this.#epoch;
    if (epoch === null || this.#sent.some((unit) => unit.epoch !== epoch)) return [];
    let sentBytes = this.#sent.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const actions: OutboxAction[] = [];
    while (sentBytes < MAX_SENT_BYTES && this.#sent.length < MAX_SENT_UNITS) {
      const next = this.#held.shift();
      if (!next) break;
      const unit: SentUnit = { seq: this.#nextSeq++ as Seq, epoch, bytes: next.bytes };
      sentBytes += unit.bytes.length;
      this.#sent.push(unit);
      actions.push({ do: 'send', unit });
    }
    return actions;
  }
}

type Outcome = { verdict: 'applied' } | { verdict: 'refused'; reason: Refusal; message: string };

function settle(unit: { seq?: Seq; bytes: Uint8Array }, outcome: Outcome): OutboxAction {
  return { do: 'settle', verdict: { seq: unit.seq ?? null, ...outcome }, bytes: unit.bytes };
}
