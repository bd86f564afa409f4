/**
 * The one place where it is decided whether an input unit may be written (invariant 5): synchronous, in memory, pure.
 */
import type { ClientId, Epoch, Seq } from '#protocol/ids.ts';
import type { Role } from '#protocol/shapes.ts';
import type { Contender, ControlLease } from './control-lease.ts';
import { setLatest } from './input-ledger.ts';

export type Judgement =
  /** Sent again after a reconnect: its verdict is or will be told. */
  | { is: 'duplicate' }
  | { is: 'refused'; reason: 'not-in-control' | 'observer' | 'stale-epoch' | 'agents-paused' }
  /** New and permitted: journal it, then write it. */
  | { is: 'next' };

export class InputGate {
  readonly #judged: Map<ClientId, Seq>;
  readonly #control: ControlLease;

  /** `accepted`: what the keeper has of each client, after a restart of the host. */
  constructor(control: ControlLease, accepted: Iterable<[ClientId, Seq]> = []) {
    this.#control = control;
    this.#judged = new Map(accepted);
  }

  judge(unit: { client: ClientId; kind: Contender['kind']; role: Role; epoch: Epoch; seq: Seq }): Judgement {
    if (unit.seq <= (this.#judged.get(unit.client) ?? 0)) return { is: 'duplicate' };
    if (unit.role === 'observer') return { is: 'refused', reason: 'observer' };
    const control = this.#control.judge(unit);
    return control === 'ok' ? { is: 'next' } : { is: 'refused', reason: control };
  }

  /** The unit was let through: from now on it is a duplicate. */
  passed({ client, seq }: { client: ClientId; seq: Seq }): void {
    setLatest(this.#judged, client, seq);
  }

  /** The last unit of `client` that passed. */
  accepted(client: ClientId): Seq {
    return this.#judged.get(client) ?? (0 as Seq);
  }

  /** The client is gone for good. */
  forget(client: ClientId): void {
    this.#judged.delete(client);
  }
}
