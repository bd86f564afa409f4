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
import { InputGate } from '#session/input-gate.ts';
import { dropOldest, type LedgerEntry } from '#session/input-ledger.ts';
import type { Journal, JournalKind } from './journal.ts';

export type InputSource = { client: ClientId; actor: Actor; role: Role };
export type Unit = { epoch: Epoch; seq: Seq; bytes: Uint8Array };
export type Refused = Omit<EventParams<'input.refused'>, 'channel'>;

export type SessionInputOptions = {
  session: SessionId;
  journal: Journal;
  lease: ControlLease;
  /** Monotonic, milliseconds. */
  now: () => number;
  ledger: [ClientId, LedgerEntry][];
  outputEnd: () => Offset;
  write: (client: ClientId, seq: Seq, bytes: Uint8Array) => void;
  /** A unit passed the gate. */
  accepted: (source: InputSource, unit: Unit) => void;
  /** Why the gate said no, as a sentence. */
  explain: (reason: Refused['reason'], actor: Actor) => string;
};

export class SessionInput {
  readonly #options: SessionInputOptions;
  readonly #lease: ControlLease;
  readonly #gate: InputGate;
  readonly #applied: Map<ClientId, Seq>;

  constructor(options: SessionInputOptions) {
    this.#options = options;
    this.#lease = options.lease;
    this.#gate = new InputGate(
      this.#lease,
      options.ledger.map(([client, { accepted }]) => [client, accepted]),
    );
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

  /** The unit on its way, or why not; null if it is a repeat. */
  unit(source: InputSource, unit: Unit): Refused | null {
    const { client, actor, role } = source;
    const judgement = this.#gate.judge({ client, kind: actor.kind, role, epoch: unit.epoch, seq: unit.seq });
    switch (judgement.is) {
      case 'duplicate':
        return null;
      case 'refused':
        this.#record(source, 'refused', { client, seq: unit.seq, bytes: unit.bytes.length, reason: judgement.reason });
        return { seq: unit.seq, reason: judgement.reason, message: this.#options.explain(judgement.reason, actor), controlKept: false };
      case 'next':
        this.#lease.renew(this.#options.now());
        this.#record(source, 'input', { client, seq: unit.seq, epoch: unit.epoch, bytes: unit.bytes.length });
        this.#options.write(client, unit.seq, unit.bytes);
        this.#options.accepted(source, unit);
        return null;
    }
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
