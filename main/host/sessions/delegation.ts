/**
 * Typing without this process on the way: who has control, alone and at ease, types straight to the keeper, which tells us of
 * each unit (main/keeper/native/delegation.c). It is the gate's own leave, given ahead: to one client, for one epoch.
 *
 * Invariant 5 stays: before anything else is decided here (a unit of somebody else, control, a role, a size) the delegation
 * is recalled and its end awaited, so that all it let through is known, and nothing more comes. Invariant 4: the journal
 * names the client before the keeper hears of it; what is typed is recorded as it is told, or by the next host (retold-input.ts).
 */
import { randomBytes } from 'node:crypto';
import type { ClientId } from '#protocol/ids.ts';
import type { Method } from '#protocol/messages.ts';
import type { ControlLease } from '#session/control-lease.ts';
import { TOKEN_BYTES } from '../../keeper/wire.ts';
import type { Delegated, Typed } from '../../keeper/wire-messages.ts';
import { isAgent } from '../agents/input-judge.ts';
import type { KeeperLink } from '../keepers/keeper-link.ts';
import type { RetoldInput } from './retold-input.ts';
import type { Attached } from './session-clients.ts';
import type { InputSource, SessionInput, Unit } from './session-input.ts';
import type { SessionLife } from './session-life.ts';

/** Requests about who may act, or which count on what has been typed: nobody types past the host while they are decided. */
export const RECALLING: ReadonlySet<Method> = new Set([
  ...(['session.attach', 'session.detach', 'session.kick', 'session.kill', 'session.restart', 'role.set'] as const),
  ...(['control.take', 'control.release', 'control.request', 'control.grant', 'control.mode', 'input.interrupt'] as const),
  ...(['agents.pause', 'host.stop', 'host.handoff'] as const),
]);

/** Units in a row that one client types before it is worth it; twice as many after each time that it was not. */
const WORTH_AFTER = { first: 8, most: 1_024 };
/** Units that came by the host all the same, until it is taken for unused: its client could not reach the keeper. */
const UNUSED_AFTER = 64;
/** A keeper answers within a millisecond; nobody waits longer than this for one that hangs, nor a second time, milliseconds. */
const ANSWER_MS = 500;

export type DelegationOptions = {
  life: SessionLife;
  lease: ControlLease;
  /** Null for a session that has ended. */
  keeper: KeeperLink | null;
  /** Where clients reach the keeper. */
  socket: string;
  input: Pick<SessionInput, 'typed'>;
  /** The policy has nothing to say about what people type. */
  leavesPeopleAlone(): boolean;
  /** Units in a row after which it is tried for the first time. */
  delegatesAfter?: number | undefined;
  /** Typed past an earlier host. */
  retold: Pick<RetoldInput, 'unit' | 'all'>;
};

type Out = {
  to: Delegated;
  source: InputSource;
  wasUsed: boolean;
  /** Units of its client that came by the host all the same. */
  byHost: number;
  isRecalled: boolean;
  over: Promise<void>;
  end: () => void;
  /** `over`, or that the keeper `isLate`; null before anybody waits. */
  answer: Promise<void> | null;
  isLate: boolean;
};

export class Delegation {
  readonly #options: DelegationOptions;
  #out: Out | null = null;
  /** The keeper still tells of an earlier host's. */
  #isRetelling: boolean;
  /** Who typed last by the host, and how many units in a row. */
  #run: { client: ClientId | null; units: number } = { client: null, units: 0 };
  readonly #firstAfter: number;
  #worthAfter: number;

  constructor(options: DelegationOptions) {
    this.#options = options;
    this.#isRetelling = options.keeper?.retells ?? false;
    this.#firstAfter = options.delegatesAfter ?? WORTH_AFTER.first;
    this.#worthAfter = this.#firstAfter;
  }

  /** A unit was let through by the gate here. */
  passed(attached: Attached, { epoch }: Unit, isSecret: boolean): void {
    const { client, actor, connection, channel } = attached;
    const { keeper, lease, life, socket } = this.#options;
    this.#run = { client, units: this.#run.client === client ? this.#run.units + 1 : 1 };
    const out = this.#out;
    if (out && !out.wasUsed && ++out.byHost >= UNUSED_AFTER) this.over();
    if (out || isSecret || this.#run.units < this.#worthAfter) return;
    if (!keeper?.delegates || this.#isRetelling || !this.#isAtEase(attached)) return;
    if (lease.holder?.client !== client || lease.epoch !== epoch) return;
    const to: Delegated = { client, channel, epoch, token: randomBytes(TOKEN_BYTES) };
    let end = () => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    const source = { client, actor, role: attached.role };
    this.#out = { to, source, wasUsed: false, byHost: 0, isRecalled: false, over, end, answer: null, isLate: false };
    life.record(attached, 'delegation', { client, epoch });
    keeper.delegate(to);
    connection.event('input.delegated', { channel, epoch, socket, token: Buffer.from(to.token).toString('hex') });
  }

  /** Its units come in order whichever way they come: the keeper drops what it has. */
  isOf(client: ClientId): boolean {
    return this.#out?.to.client === client;
  }

  /** The keeper has let this unit through. */
  typed({ client, seq, offset, bytes }: Typed): void {
    const out = this.#out;
    if (this.#isRetelling) this.#options.retold.unit({ client, seq, offset, bytes });
    if (out?.to.client !== client) return;
    out.wasUsed = true;
    this.#options.input.typed(out.source, { epoch: out.to.epoch, seq, bytes }, offset);
  }

  /** The keeper takes nothing more by it, and has told all. */
  recalled(): void {
    const out = this.#out;
    if (this.#isRetelling) this.#options.retold.all();
    this.#isRetelling = false;
    if (!out) return;
    this.#out = null;
    this.#run = { client: null, units: 0 };
    this.#worthAfter = out.wasUsed ? this.#firstAfter : Math.min(WORTH_AFTER.most, this.#worthAfter * 2);
    out.end();
  }

  /** Null: none is out. Else resolves when all that it let through is known. */
  over(): Promise<void> | null {
    const out = this.#out;
    if (!out) return null;
    if (!out.isRecalled) this.#options.keeper?.recall();
    out.isRecalled = true;
    return out.over;
  }

  /** As `over`, but of a keeper that hangs not for ever: it hears of the end before anything else, so nothing is typed then either. */
  recall(): Promise<void> | null {
    const over = this.over();
    const out = this.#out;
    if (!over || !out || out.isLate) return null;
    out.answer ??= new Promise((resolve) => {
      const timer = setTimeout(() => {
        out.isLate = true;
        resolve();
      }, ANSWER_MS);
      void over.then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    return out.answer;
  }

  /** Nothing about this client needs a look at its units, one by one. */
  #isAtEase({ actor, role, takesDelegation }: Attached): boolean {
    const { lease, leavesPeopleAlone } = this.#options;
    return takesDelegation && role !== 'observer' && !isAgent(actor) && lease.mode !== 'open' && leavesPeopleAlone();
  }
}
