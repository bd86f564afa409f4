/**
 * A session's input on its way: one gate, then the journal, then the keeper; and the verdicts back.
 *
 * Invariant 4: a unit is journaled before it is written. Invariant 5: the gate decides, in memory. Invariant 3: a
 * verdict is told once it is true: applied when the keeper has written the unit, refused when the gate said no.
 */
import type { ClientId, Epoch, Offset, Seq, SessionId } from '#protocol/ids.ts';
import type { EventParams } from '#protocol/messages.ts';
import type { Actor, Control, Role } from '#protocol/shapes.ts';
import { type Contender, ControlLease, type TakeResult, TURN_QUIET_MS } from '#session/control-lease.ts';
import { InputGate } from '#session/input-gate.ts';
import { dropOldest, type LedgerEntry } from '#session/input-ledger.ts';
import type { Journal, JournalKind } from './journal.ts';
import type { Records } from './records.ts';

export type InputSource = { client: ClientId; actor: Actor; role: Role };
export type Unit = { epoch: Epoch; seq: Seq; bytes: Uint8Array };
export type Refused = Omit<EventParams<'input.refused'>, 'channel'>;

export type SessionInputOptions = {
  session: SessionId;
  journal: Journal;
  records: Records;
  /** Monotonic, milliseconds. */
  now: () => number;
  remembered: { epoch: Epoch; lastHolder: ClientId | null };
  ledger: [ClientId, LedgerEntry][];
  outputEnd: () => Offset;
  write: (client: ClientId, seq: Seq, bytes: Uint8Array) => void;
  /** A unit passed the gate. */
  accepted: (source: InputSource, unit: Unit) => void;
  controlMoved: (by: ClientId | null) => void;
};

export class SessionInput {
  readonly #options: SessionInputOptions;
  readonly #lease: ControlLease;
  readonly #gate: InputGate;
  readonly #applied: Map<ClientId, Seq>;

  constructor(options: SessionInputOptions) {
    this.#options = options;
    this.#lease = new ControlLease(options.remembered);
    this.#gate = new InputGate(
      this.#lease,
      options.ledger.map(([client, { accepted }]) => [client, accepted]),
    );
    this.#applied = new Map(options.ledger.map(([client, { applied }]) => [client, applied]));
  }

  get controller(): ClientId | null {
    return this.#lease.holder?.client ?? null;
  }

  /** What a later host must know to judge a client that comes back. */
  get remembered(): { epoch: Epoch; lastHolder: ClientId | null } {
    return { epoch: this.#lease.epoch, lastHolder: this.#lease.lastHolder };
  }

  control(): Control {
    const holder = this.#lease.holder;
    const actor = holder && this.#options.records.actor(holder.actor);
    return { mode: 'turns', epoch: this.#lease.epoch, holder: holder && actor ? { actor, client: holder.client } : null };
  }

  /** The last unit of `client` that reached the PTY. */
  applied(client: ClientId): Seq {
    return this.#applied.get(client) ?? (0 as Seq);
  }

  /** The unit on its way, or why not; null if it is a repeat. */
  unit(source: InputSource, unit: Unit): Refused | null {
    const { client, actor, role } = source;
    const judgement = this.#gate.judge({ client, role, epoch: unit.epoch, seq: unit.seq });
    switch (judgement.is) {
      case 'duplicate':
        return null;
      case 'refused':
        this.#record(source, 'refused', { client, seq: unit.seq, bytes: unit.bytes.length, reason: judgement.reason });
        return { seq: unit.seq, reason: judgement.reason, message: this.#refusalMessage(judgement.reason, actor), controlKept: false };
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

  take(source: InputSource, force: boolean): TakeResult {
    const result = this.#lease.take(contender(source), { force, now: this.#options.now() });
    if (result.granted && result.moved) this.#moved(source, force ? 'take-over' : 'typing');
    return result;
  }

  release(source: InputSource): void {
    if (this.#lease.release(source.client)) this.#moved(source, 'release');
  }

  /** The client is back after a broken link. */
  resume(source: InputSource, epoch: Epoch): void {
    if (source.role !== 'observer') this.#lease.resume(contender(source), epoch, this.#options.now());
  }

  /** The client left for good and will send nothing again. */
  forget(source: InputSource): void {
    this.release(source);
    this.#gate.forget(source.client);
    this.#applied.delete(source.client);
  }

  /** Why `source` cannot have control, as a sentence. */
  heldMessage(result: Extract<TakeResult, { granted: false }>): string {
    const holder = this.#options.records.actor(result.holder.actor)?.name ?? 'someone else';
    const { freeInMs } = result;
    if (freeInMs === null) return `${holder} has control; ask them to release it`;
    return `${holder} is typing; wait ${Math.ceil(Math.min(freeInMs, TURN_QUIET_MS) / 1000)} s or take control`;
  }

  #moved(source: InputSource, by: 'take-over' | 'typing' | 'release'): void {
    const holder = this.#lease.holder;
    this.#record(source, 'control', { by, epoch: this.#lease.epoch, client: holder?.client ?? null });
    this.#options.controlMoved(source.client);
  }

  #refusalMessage(reason: Refused['reason'], actor: Actor): string {
    if (reason === 'observer') return `${actor.name} observes this session and cannot type; attach as operator to type`;
    const holder = this.control().holder;
    if (!holder) return 'not typed: control was released meanwhile; type again';
    return `not typed: ${holder.actor.name} (${holder.actor.interface}) has control; take control to type`;
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

function contender({ client, actor }: InputSource): Contender {
  return { client, actor: actor.id, kind: actor.kind, person: `${actor.kind}:${actor.name}` };
}
