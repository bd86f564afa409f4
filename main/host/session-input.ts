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
import { dropOldest, type LedgerEntry } from '#session/input-ledger.ts';
import type { Journal, JournalKind } from './journal.ts';

/** Of one client, remembered for its return: more than it can have under way unheard. */
const MAX_REFUSALS = 1_024;

export type InputSource = { client: ClientId; actor: Actor; role: Role };
export type Unit = { epoch: Epoch; seq: Seq; bytes: Uint8Array };
export type Refused = Omit<EventParams<'input.refused'>, 'channel'>;
/** `rule` and `text`, where the policy said no, are for the journal. */
export type Refusal = Omit<Refused, 'seq'> & { rule?: string; text?: string };

export type SessionInputOptions = {
  session: SessionId;
  journal: Journal;
  lease: ControlLease;
  /** Monotonic, milliseconds. */
  now: () => number;
  ledger: [ClientId, LedgerEntry][];
  /** Refused while control stayed, by the journal, oldest first. */
  refused: { client: ClientId; seq: Seq; reason: string }[];
  outputEnd: () => Offset;
  write: (client: ClientId, seq: Seq, bytes: Uint8Array) => void;
  /** A unit passed the gate. */
  accepted: (source: InputSource, unit: Unit, isSecret: boolean) => void;
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
  /** Refused while control stayed: a later unit may be applied, which must not cover these. */
  readonly #refusals = new Map<ClientId, { seq: Seq; reason: string }[]>();

  constructor(options: SessionInputOptions) {
    this.#options = options;
    this.#lease = options.lease;
    this.#gate = new InputGate(
      this.#lease,
      options.ledger.map(([client, { accepted }]) => [client, accepted]),
    );
    for (const { client, ...refusal } of options.refused) this.#keepRefusal(client, refusal);
    this.#applied = new Map(options.ledger.map(([client, { applied }]) => [client, applied]));
  }

  /** The last unit of `client` that reached the PTY. */
  applied(client: ClientId): Seq {
    return this.#applied.get(client) ?? (0 as Seq);
  }

  /** The last unit of `client` that passed the gate. */
  accepted(client: ClientId): Seq {
    return this.#gate.accepted(client);
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

  /** What the policy refused of `client`, which may not have heard it. */
  refusals(client: ClientId): { seq: Seq; reason: string }[] {
    return this.#refusals.get(client) ?? [];
  }

  /** Journals the refusal; to be told then. */
  refused(source: InputSource, unit: Unit, { reason, message, controlKept, ...more }: Refusal): Refused {
    const { client } = source;
    const kept = controlKept ? { controlKept, message } : {};
    if (controlKept) this.#keepRefusal(client, { seq: unit.seq, reason: message });
    this.#record(source, 'refused', { client, seq: unit.seq, bytes: unit.bytes.length, reason, ...kept, ...more });
    return { seq: unit.seq, reason, message, controlKept };
  }

  #judge({ client, actor, role }: InputSource, { epoch, seq }: Unit): Judgement {
    return this.#gate.judge({ client, kind: actor.kind, role, epoch, seq });
  }

  #keepRefusal(client: ClientId, refusal: { seq: Seq; reason: string }): void {
    const kept = this.#refusals.get(client) ?? [];
    this.#refusals.delete(client); // to the end of the map: most recently used
    this.#refusals.set(client, [...kept.slice(1 - MAX_REFUSALS), refusal]);
    dropOldest(this.#refusals);
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
    this.#options.write(client, unit.seq, unit.bytes);
    this.#options.accepted(source, unit, isSecret);
  }

  #faultOf(reason: Refused['reason'], { actor }: InputSource): Refusal {
    return { reason, message: this.#options.explain(reason, actor), controlKept: false };
  }

  /** The keeper has written it. */
  written(client: ClientId, seq: Seq): void {
    this.#applied.delete(client); // to the end of the map: most recently used
    this.#applied.set(client, seq);
    dropOldest(this.#applied);
  }

  /** The client left for good and will send nothing again. */
  forget(client: ClientId): void {
    this.#gate.forget(client);
    this.#applied.delete(client);
    this.#refusals.delete(client);
  }

  #record(source: InputSource, kind: JournalKind, payload: Record<string, unknown>): void {
    this.#options.journal.append({
      session: this.#options.session,
      actor: source.actor.id,
      interface: source.actor.interface,
      kind,
      outputOffset: this.#options.outputEnd(),
      payload,
    });
  }
}
