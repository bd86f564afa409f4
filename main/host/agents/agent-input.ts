/**
 * Input that the policy judges before the program may have it: held in order, judged as whole lines at a prompt and as keys
 * elsewhere, then written, refused, or left to a person.
 *
 * A unit that is held has no verdict yet, and no later unit of its client overtakes it. What is held is in memory only: a
 * client that comes back sends it again, and it is judged again; the keeper knows what was written.
 */
import { CmdopError } from '#protocol/errors.ts';
import type { ClientId, SessionId } from '#protocol/ids.ts';
import type { Actor } from '#protocol/shapes.ts';
import { setLatest } from '#session/input-ledger.ts';
import { offeredRule } from '#session/policy.ts';
import { textOf } from '#session/shown-text.ts';
import type { InputSource, Refusal, Refused, Unit } from '../sessions/session-input.ts';
import type { Outcome } from './approvals.ts';
import { endsLine, type Held, joined, prefixOf } from './held-line.ts';
import type { InputContext } from './input-context.ts';
import { grantKey, InputJudge, isAgent, keyOf, type PolicyDesk, shownLine } from './input-judge.ts';

/** A line at the prompt must be complete after this long, milliseconds. */
const LINE_MS = 30_000;
/** Asked again after this long, milliseconds, whether a line may be judged, if nobody says so before. */
const PREPARED_MS = 10_000;
/** A person is asked about so much at a time, characters: nobody reads more, and every window gets it. */
const MAX_ASKED_CHARACTERS = 8_192;
/** Held for one client; what comes beyond is refused. */
const MAX_HELD = { units: 1_000, bytes: 1024 * 1024 };

export type AgentInputOptions = {
  session: { id: SessionId; name(): string };
  desk: PolicyDesk;
  /** Monotonic, milliseconds. */
  now: () => number;
  context(): InputContext;
  /** A password is asked for now. */
  isSecret(): boolean;
  /** Why the gate would not let it pass; null if it would. */
  fault(source: InputSource, unit: Unit): Refused | null;
  /** Through the gate, the journal and to the program. `approval`: who let it pass. */
  admit(source: InputSource, unit: Unit, approval: number | null): Refused | null;
  /** Journaled, then told. */
  refuse(source: InputSource, unit: Unit, refusal: Refusal): void;
};

export class AgentInput {
  readonly #options: AgentInputOptions;
  readonly #judge: InputJudge;
  readonly #held = new Map<ClientId, Held>();
  readonly #reasons = new Map<ClientId, string>();

  constructor(options: AgentInputOptions) {
    this.#options = options;
    this.#judge = new InputJudge(options.desk, options.session);
  }

  /** True if the unit is judged here, now or later; false if the policy has nothing to say about its actor. */
  holds(source: InputSource, unit: Unit): boolean {
    if (!isAgent(source.actor) && this.#options.desk.rules().leavesPeopleAlone) return false;
    const written = { text: '', generation: -1 };
    const held = this.#held.get(source.client) ?? { source, units: [], asked: null, timer: null, lineSince: null, written };
    held.source = source;
    this.#held.set(source.client, held);
    const bytes = held.units.reduce((sum, each) => sum + each.bytes.length, unit.bytes.length);
    if (held.units.length >= MAX_HELD.units || bytes > MAX_HELD.bytes) {
      const message = 'not typed: too much of yours waits for approval';
      this.#options.refuse(source, unit, { reason: 'policy', message, controlKept: true });
      return true;
    }
    held.units.push(unit);
    if (!held.asked) this.#advance(held);
    return true;
  }

  /** Why the client wants what it sends from now on. */
  reason(client: ClientId, reason: string): void {
    setLatest(this.#reasons, client, reason);
  }

  /** Throws unless the policy lets `actor` stop what runs: its own, always. */
  mustInterrupt(actor: Actor): void {
    const context = this.#options.context();
    if (!isAgent(actor) || context.isOwn(actor.id)) return;
    const { verdict, rule } = this.#judge.keys(actor, '\x03', context);
    if (verdict === 'allow') return;
    throw new CmdopError('policy', `not interrupted: ${actor.name} did not start what runs (${rule}); Ctrl-C typed as a key is asked`);
  }

  /** The client left, or its link broke: it sends again what has no verdict. */
  gone(client: ClientId): void {
    const held = this.#held.get(client);
    if (!held) return;
    this.#held.delete(client);
    held.units = [];
    this.#withdraw(held, 'its client is gone');
  }

  /** The client takes back what waits: how many units. */
  withdraw(client: ClientId): number {
    const held = this.#held.get(client);
    const count = held?.units.length ?? 0;
    if (!held || count === 0) return 0;
    this.#withdraw(held, 'its sender took it back');
    this.#refuse(held, count, { reason: 'rejected', message: 'not typed: you took it back before it was decided', controlKept: true });
    return count;
  }

  /** Control, roles or agents' leave have changed: what may not be written any more is refused now. */
  recheck(): void {
    for (const held of [...this.#held.values()]) {
      const [first] = held.units;
      const fault = first && this.#options.fault(held.source, first);
      if (!fault) continue;
      this.#withdraw(held, fault.reason === 'agents-paused' ? 'agents were paused' : 'control has changed');
      this.#refuse(held, held.units.length, refusalOf(fault));
    }
  }

  /** The prompt, the program or the folder has changed: what waits is judged anew. */
  contextChanged(): void {
    for (const held of [...this.#held.values()]) {
      if (!held.asked) this.#advance(held);
      else if (held.asked.context !== keyOf(this.#options.context())) {
        this.#withdraw(held, 'the prompt, the program or the folder is not what it was');
        this.#advance(held);
      }
    }
  }

  /** Other rules hold: what waits is judged by them. */
  policyChanged(): void {
    for (const held of [...this.#held.values()]) {
      this.#withdraw(held, 'the policy has changed');
      this.#advance(held);
    }
  }

  /** The session is over. */
  ended(): void {
    for (const held of [...this.#held.values()]) {
      this.#withdraw(held, 'the session has ended');
      held.units = []; // the session's end settles them
    }
    this.#held.clear();
  }

  #advance(held: Held): void {
    if (held.timer) clearTimeout(held.timer);
    held.timer = null;
    while (held.units.length > 0 && !held.asked && !held.timer) this.#step(held);
    if (held.units.length === 0) held.lineSince = null;
  }

  #step(held: Held): void {
    const { source, units } = held;
    const fault = units[0] && this.#options.fault(source, units[0]);
    if (fault) return this.#refuse(held, units.length, refusalOf(fault));
    if (isAgent(source.actor) && this.#options.isSecret()) {
      const message = 'not typed: a password is asked for, and only people answer that; ask one of them';
      return this.#refuse(held, units.length, { reason: 'secret-prompt', message, controlKept: true });
    }
    const context = this.#options.context();
    // What people type is live: it is judged as it comes, and no rule of theirs is about lines.
    if (!isAgent(source.actor)) return this.#judgeHeld(held, units.length, context);
    const { client, actor } = source;
    const ready = () => void (held.asked || this.#advance(held));
    const { desk, session } = this.#options;
    if (!desk.isPrepared({ session: session.id, client, actor, folder: context.folder, ready })) return this.#wait(held, PREPARED_MS);
    const now = this.#options.now();
    if (context.is === 'settling') return this.#wait(held, Math.max(1, context.until - now));
    if (!context.readsLines) return this.#judgeHeld(held, units.length, context);
    const end = units.findIndex(endsLine);
    if (end >= 0) {
      held.lineSince = null;
      return this.#judgeHeld(held, end + 1, context);
    }
    this.#incomplete(held, context, now);
  }

  /** A line without its Enter: written already where nobody would mind its whole, else held for a while. */
  #incomplete(held: Held, context: InputContext, now: number): void {
    const { source, units } = held;
    const { decision } = this.#judge.judge({ actor: source.actor, bytes: joined(units), prefix: prefixOf(held, context), context });
    if (decision.verdict === 'allow' && !decision.rule.includes('"command":')) {
      const text = prefixOf(held, context) + textOf(joined(units)).text;
      this.#admit(held, units.length, { approval: null, edited: null });
      held.written = { text, generation: context.generation };
      return;
    }
    held.lineSince ??= now;
    const left = held.lineSince + LINE_MS - now;
    if (left > 0) return this.#wait(held, left);
    held.lineSince = null;
    const message = `not typed: a line is judged whole, and its Enter did not come within ${LINE_MS / 1000} s; send the line with its Enter`;
    this.#refuse(held, units.length, { reason: 'policy', message, controlKept: true }, source);
  }

  #judgeHeld(held: Held, count: number, context: InputContext): void {
    const units = held.units.slice(0, count);
    const { decision, subject, seen } = this.#judge.judge({
      actor: held.source.actor,
      bytes: joined(units),
      prefix: prefixOf(held, context),
      context,
    });
    const { desk, session } = this.#options;
    const grant = grantKey(held.source.actor, subject, context, decision);
    const isOwnInterrupt = joined(units).every((byte) => byte === 0x03) && context.isOwn(held.source.actor.id);
    if (
      decision.verdict === 'allow' ||
      (decision.verdict === 'ask' && (isOwnInterrupt || (grant !== null && desk.approvals.isGranted(session.id, grant))))
    )
      return this.#admit(held, count, { approval: null, edited: null });
    if (decision.verdict === 'deny') {
      const message = `not typed: the policy forbids it (${decision.rule})`;
      return this.#refuse(held, count, { reason: 'policy', message, controlKept: true, rule: decision.rule, text: subject.text });
    }
    if (subject.text.length > MAX_ASKED_CHARACTERS) {
      const message = `not typed: ${subject.text.length} characters are more than a person can approve; write a file in parts below ${MAX_ASKED_CHARACTERS}`;
      return this.#refuse(held, count, { reason: 'policy', message, controlKept: true, rule: decision.rule });
    }
    const key = keyOf(context);
    const offer = seen.length > decision.seen.length ? null : offeredRule(subject, decision.line);
    const id = desk.approvals.ask({
      session: { id: session.id, name: session.name() },
      actor: held.source.actor,
      kind: subject.kind,
      text: shownLine(textOf(joined(units)).text, subject),
      folder: context.folder,
      program: context.is === 'program' ? context.program : null,
      reason: this.#reasons.get(held.source.client) || null,
      seen,
      rule: decision.rule,
      subject: offer ? subject : null,
      offer,
      grant,
      isEditable: context.is === 'prompt' && context.drafted.length === 0,
      change: () => {
        if (keyOf(this.#options.context()) !== key) return 'the prompt, the program or the folder has changed';
        if (this.#options.isSecret()) return 'a password is asked for now';
        const [first] = held.units;
        return first && this.#options.fault(held.source, first) ? 'control has changed' : null;
      },
      settled: (outcome) => this.#settled(held, outcome),
    });
    held.asked = { id, units: count, context: key };
  }

  #settled(held: Held, outcome: Outcome): void {
    const { asked } = held;
    if (asked?.id !== outcome.id) return; // withdrawn: whoever did so goes on
    held.asked = null;
    if (outcome.is === 'approved') this.#admit(held, asked.units, { approval: outcome.id, edited: outcome.edited });
    else {
      const message = `not typed: ${outcome.message}`.replace('not typed: not typed:', 'not typed:');
      this.#refuse(held, asked.units, { reason: 'rejected', message, controlKept: true });
    }
    this.#advance(held);
  }

  /** `edited` goes in the place of the whole: its units are written, the first with the line, the others empty. */
  #admit(held: Held, count: number, { approval, edited }: { approval: number | null; edited: string | null }): void {
    const line = edited === null ? null : new TextEncoder().encode(`${edited}\r`);
    for (const [at, unit] of held.units.splice(0, count).entries()) {
      const bytes = line === null ? unit.bytes : at === 0 ? line : new Uint8Array(0);
      const fault = this.#options.admit(held.source, { ...unit, bytes }, approval);
      if (fault) this.#options.refuse(held.source, unit, refusalOf(fault));
    }
  }

  #refuse(held: Held, count: number, refusal: Refusal, source = held.source): void {
    for (const unit of held.units.splice(0, count)) this.#options.refuse(source, unit, refusal);
  }

  #withdraw(held: Held, why: string): void {
    const { asked } = held;
    if (held.timer) clearTimeout(held.timer);
    held.timer = null;
    held.asked = null;
    if (asked) this.#options.desk.approvals.withdraw(asked.id, why);
  }

  #wait(held: Held, ms: number): void {
    held.timer = setTimeout(() => {
      held.timer = null;
      this.#advance(held);
    }, ms);
  }
}

const refusalOf = ({ reason, message, controlKept }: Refused): Refusal => ({ reason, message, controlKept });
