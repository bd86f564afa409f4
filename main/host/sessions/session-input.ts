/**
 * A session's input on its way: one gate, then the journal, then the keeper; and the verdicts back.
 *
 * Invariant 4: a unit is journaled before it is written. Invariant 5: the gate decides, in memory. Invariant 3: a
 * verdict is told once it is true: applied when the keeper has written the unit, refused when the gate said no.
 */
import type { ClientId, Epoch, Offset, Seq, SessionId } from '#protocol/ids.ts';
import type { EventParams } from '#protocol/messages.ts';
import type { Actor, Role } from '#protocol/shapes.ts';
import type { ControlLease } from '#session/control-lease.ts';
import { InputGate, type Judgement } from '#session/input-gate.ts';
import { type DroppedUnits, type LedgerEntry, MAX_DROPPED_UNITS, setLatest } from '#session/input-ledger.ts';
import type { Typed } from '../../keeper/wire-messages.ts';
import type { Journal, JournalKind } from '../journal/journal.ts';
import type { Typist } from '../journal/records.ts';

/** Of one client, remembered for its return: more than it can have under way unheard. */
const MAX_REFUSALS = 1_024;
/** Of them, what one answer tells, bytes of JSON; the longest reason, characters: so it tells of 512 units at least (input-outbox.ts). */
const MAX_TOLD_BYTES = 512 * 1024;
const MAX_TOLD_REASON = 300;
/** Where it is not known who wanted it: a host that died before it heard the answer. */
export const TAKEN_BACK: StopReason = { reason: 'not-in-control', message: 'not typed: it was taken back before the program read it' };

export type InputSource = { client: ClientId; actor: Actor; role: Role };
export type Unit = { epoch: Epoch; seq: Seq; bytes: Uint8Array };
/** `offset`: where the output ended then, if not where it does now. */
export type AcceptedUnit = Unit & { offset?: Offset };
export type Refused = Omit<EventParams<'input.refused'>, 'channel'>;
/** `rule` and `text`, where the policy said no, are for the journal. */
export type Refusal = Omit<Refused, 'seq'> & { rule?: string; text?: string };

/** Why what had passed the gate was taken back. */
export type StopReason = Pick<Refused, 'reason' | 'message'>;
/** Units from `seq` to `to`, refused while control stayed. */
type Refusals = { seq: Seq; to: Seq; reason: string };

export type SessionInputOptions = {
  session: SessionId;
  journal: Journal;
  lease: ControlLease;
  /** Monotonic, milliseconds. */
  now: () => number;
  ledger: [ClientId, LedgerEntry][];
  /** Refused while control stayed, by the journal, oldest first. */
  refused: ({ client: ClientId } & Refusals)[];
  outputEnd: () => Offset;
  write: (client: ClientId, seq: Seq, bytes: Uint8Array) => void;
  /** A unit passed the gate, and is not on its way yet. */
  passing: (source: InputSource, unit: Unit) => void;
  /** It is. */
  accepted: (source: InputSource, unit: AcceptedUnit, isSecret: boolean) => void;
  /** The policy judges this unit, now or later: by `fault`, `admit` or `refuse`. */
  holds: (source: InputSource, unit: Unit) => boolean;
  /** What is typed now answers a password prompt. */
  isSecret: () => boolean;
  /** Why the gate said no, as a sentence. */
  explain: (reason: Refused['reason'], actor: Actor) => string;
};

export class SessionInput {
  readonly #options: SessionInputOptions;
  readonly #lease: ControlLease;
  readonly #gate: InputGate;
  readonly #applied: Map<ClientId, Seq>;
  /** The last unit of each client that was taken back. */
  readonly #dropped = new Map<ClientId, Seq>();
  /** Refused while control stayed: a later unit may be applied, which must not cover these. */
  readonly #refusals = new Map<ClientId, Refusals[]>();

  constructor(options: SessionInputOptions) {
    this.#options = options;
    this.#lease = options.lease;
    this.#gate = new InputGate(
      this.#lease,
      options.ledger.map(([client, { accepted }]) => [client, accepted]),
    );
    for (const { client, ...refusal } of options.refused) this.#keepRefusal(client, refusal);
    this.#applied = new Map(options.ledger.map(([client, { applied }]) => [client, applied]));
    for (const [client, { dropped = [] }] of options.ledger) {
      for (const range of dropped) {
        this.#dropped.set(client, range[1]);
        const isKnown = this.#refusals.get(client)?.some(({ seq, to }) => seq <= range[1] && range[1] <= to);
        if (!isKnown) this.dropped(client, { actor: null, range, why: TAKEN_BACK });
      }
    }
  }

  /** The last unit of `client` that reached the PTY. */
  applied(client: ClientId): Seq {
    return this.#applied.get(client) ?? (0 as Seq);
  }

  /** The last unit of `client` that passed the gate. */
  accepted(client: ClientId): Seq {
    return this.#gate.accepted(client);
  }

  /** The last unit of `client` that has or will have a verdict: no other may have its number. */
  judged(client: ClientId): Seq {
    const refused = (this.#refusals.get(client) ?? []).map(({ to }) => to);
    return Math.max(this.accepted(client), ...refused) as Seq;
  }

  /** Nothing of `client` is under way: all that passed the gate has its verdict. */
  isSettled(client: ClientId): boolean {
    return Math.max(this.applied(client), this.#dropped.get(client) ?? 0) >= this.accepted(client);
  }

  /** The unit on its way, or why not; null if it is a repeat, or held by the policy. */
  unit(source: InputSource, unit: Unit): Refused | null {
    const judgement = this.#judge(source, unit);
    if (judgement.is === 'refused') return this.refused(source, unit, this.#faultOf(judgement.reason, source));
    if (judgement.is === 'duplicate' || this.#options.holds(source, unit)) return null;
    this.#pass(source, unit, null);
    return null;
  }

  /** Why a unit that was held may not be written now; null if it may. */
  fault(source: InputSource, unit: Unit): Refused | null {
    const judgement = this.#judge(source, unit);
    return judgement.is === 'refused' ? { seq: unit.seq, ...this.#faultOf(judgement.reason, source) } : null;
  }

  /** A unit that was held, through the same gate. `approval`: the one that let it pass. */
  admit(source: InputSource, unit: Unit, approval: number | null): Refused | null {
    const fault = this.fault(source, unit);
    if (!fault) this.#pass(source, unit, approval);
    return fault;
  }

  /**
   * What was refused last of `client`, which may not have heard it: as much as an answer holds, and always of more units
   * than it leaves without a verdict.
   */
  refusals(client: ClientId): { seq: Seq; reason: string }[] {
    const told: { seq: Seq; reason: string }[] = [];
    let left = MAX_TOLD_BYTES;
    for (const { seq, to, ...refusal } of (this.#refusals.get(client) ?? []).toReversed()) {
      const reason = refusal.reason.slice(0, MAX_TOLD_REASON).toWellFormed();
      const bytes = Buffer.byteLength(JSON.stringify({ seq: to, reason })) + 1;
      for (let at = to; at >= seq; at--) {
        left -= bytes;
        if (left < 0) return told.reverse();
        told.push({ seq: at as Seq, reason });
      }
    }
    return told.reverse();
  }

  /** Journals the refusal; to be told then. */
  refused(source: InputSource, unit: Unit, { reason, message, controlKept, ...more }: Refusal): Refused {
    const { client } = source;
    const kept = controlKept ? { controlKept, message } : {};
    if (controlKept) this.#keepRefusal(client, { seq: unit.seq, to: unit.seq, reason: message });
    this.#record(source, 'refused', { client, seq: unit.seq, bytes: unit.bytes.length, reason, ...kept, ...more });
    return { seq: unit.seq, reason, message, controlKept };
  }

  /** A unit that the keeper has let through, when the output ended at `offset`; nothing where it came by this gate as well. */
  typed(source: InputSource, unit: Unit, offset: Offset): void {
    const { client } = source;
    if (unit.seq <= this.accepted(client)) return;
    this.#gate.passed({ client, seq: unit.seq });
    if (this.#lease.holder?.client === client) this.#lease.renew(this.#options.now());
    this.#record(source, 'input', { client, seq: unit.seq, epoch: unit.epoch, bytes: unit.bytes.length }, offset);
    this.#options.passing(source, unit);
    this.#options.accepted(source, { ...unit, offset }, false);
  }

  /** A unit that was typed past an earlier host, and is not on record. */
  recordRetold({ client, actor, epoch }: Typist, { seq, bytes, offset }: Pick<Typed, 'seq' | 'bytes' | 'offset'>): void {
    this.#record({ client, actor }, 'input', { client, seq, epoch, bytes: bytes.length }, offset);
  }

  /** Units that were, and of which no more is known: the keeper has them up to `to`, the journal up to `seq`. */
  recordUntold({ client, actor, epoch, seq }: Typist, to = this.accepted(client)): void {
    if (to > seq) this.#record({ client, actor }, 'input', { client, from: seq + 1, seq: to, epoch, untold: true });
  }

  #judge({ client, actor, role }: InputSource, { epoch, seq }: Unit): Judgement {
    return this.#gate.judge({ client, kind: actor.kind, role, epoch, seq });
  }

  #keepRefusal(client: ClientId, refusal: Refusals): void {
    const kept = this.#refusals.get(client) ?? [];
    setLatest(this.#refusals, client, [...kept.slice(1 - MAX_REFUSALS), refusal]);
  }

  #pass(source: InputSource, unit: Unit, approval: number | null): void {
    const { client } = source;
    this.#gate.passed({ client, seq: unit.seq });
    this.#lease.renew(this.#options.now());
    const isSecret = this.#options.isSecret();
    // Not even how long a secret is.
    const what = isSecret ? { secret: true } : { bytes: unit.bytes.length };
    const approved = approval === null ? {} : { approval };
    this.#record(source, 'input', { client, seq: unit.seq, epoch: unit.epoch, ...what, ...approved });
    this.#options.passing(source, unit);
    this.#options.write(client, unit.seq, unit.bytes);
    this.#options.accepted(source, unit, isSecret);
  }

  #faultOf(reason: Refused['reason'], { actor }: InputSource): Refusal {
    return { reason, message: this.#options.explain(reason, actor), controlKept: false };
  }

  /** The keeper has written it. */
  written(client: ClientId, seq: Seq): void {
    setLatest(this.#applied, client, seq);
  }

  /** The keeper has taken these units back, after they had passed: journals it, and answers what is to be told. */
  dropped(client: ClientId, { actor, range, why }: { actor: Actor | null; range: DroppedUnits; why: StopReason }): Refused[] {
    const [, to, writtenBytes] = range;
    const from = Math.max(range[0], to - MAX_DROPPED_UNITS + 1) as Seq;
    const { reason, message } = why;
    setLatest(this.#dropped, client, to);
    // Of one that had begun, the program may read the beginning.
    const begun = `${message}; the first ${writtenBytes} bytes of it had reached the terminal`;
    const parts: Refusals[] = writtenBytes > 0 ? [{ seq: from, to: from, reason: begun }] : [];
    if (from + parts.length <= to) parts.push({ seq: (from + parts.length) as Seq, to, reason: message });
    for (const part of parts) {
      this.#keepRefusal(client, part);
      const { journal, session, outputEnd } = this.#options;
      const payload = { client, seq: part.seq, to: part.to, reason, message: part.reason, controlKept: true, takenBack: true };
      journal.append({
        session,
        actor: actor?.id ?? null,
        interface: actor?.interface ?? null,
        kind: 'refused',
        outputOffset: outputEnd(),
        payload,
      });
    }
    return parts.flatMap((part) =>
      Array.from({ length: part.to - part.seq + 1 }, (_, at) => ({
        seq: (part.seq + at) as Seq,
        reason,
        message: part.reason,
        controlKept: true,
      })),
    );
  }

  /** The client left for good and will send nothing again. */
  forget(client: ClientId): void {
    this.#gate.forget(client);
    this.#applied.delete(client);
    this.#dropped.delete(client);
    this.#refusals.delete(client);
  }

  #record(
    source: Omit<InputSource, 'role'>,
    kind: JournalKind,
    payload: Record<string, unknown>,
    outputOffset = this.#options.outputEnd(),
  ): void {
    this.#options.journal.append({
      session: this.#options.session,
      actor: source.actor.id,
      interface: source.actor.interface,
      kind,
      outputOffset,
      payload,
    });
  }
}
