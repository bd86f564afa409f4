/**
 * What waits for a person: asked, shown, decided once, journaled. Nobody but a person decides, silence is a no, and what
 * is no longer true when it is approved does not run.
 */

import type { Approval } from '#protocol/approvals.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { Actor } from '#protocol/shapes.ts';
import { coveringRule, type PolicyRule, ruleText, type Subject } from '#session/policy.ts';
import { shownText } from '#session/shown-text.ts';
import { ApprovalHistory } from '../journal/approval-history.ts';
import type { Journal } from '../journal/journal.ts';
import type { Records } from '../journal/records.ts';
import { DecidedApprovals, sizeOf } from './decided-approvals.ts';
import type { PolicyFile } from './policy-file.ts';

/** That wait at a time, of one agent, of all, and how large they are together; what goes beyond is refused unseen. */
const MAX_PENDING = 200;
const MAX_PENDING_OF_ALL = 1_000;
const MAX_PENDING_CHARACTERS = 8 * 1024 * 1024;
/** Text of one approval kept in the journal, characters. */
const MAX_JOURNAL_CHARACTERS = 8_192;

export type Outcome =
  | { is: 'approved'; id: number; edited: string | null; answer: string | null }
  | { is: 'rejected' | 'expired' | 'withdrawn'; id: number; message: string };

export type Ask = Pick<Approval, 'kind' | 'program' | 'reason' | 'seen' | 'rule'> & {
  session: { id: SessionId | ''; name: string };
  actor: Actor;
  text: string;
  folder: string;
  choices?: string[];
  timeoutMs?: number;
  /** For offering a rule; null where none can cover it. */
  subject: Subject | null;
  offer: PolicyRule | null;
  /** Approving it for the session allows what has this key; null where it means something else each time. */
  grant: string | null;
  /** A person may run another line instead. */
  isEditable: boolean;
  /** The session is still as it was shown; else why not. */
  change(): string | null;
  settled(outcome: Outcome): void;
};

type Pending = { approval: Approval; ask: Ask; timer: NodeJS.Timeout };

export type ApprovalsOptions = {
  journal: Journal;
  records: Records;
  policy: PolicyFile;
  wallNow: () => number;
  changed(approval: Approval): void;
};

export class Approvals {
  readonly #options: ApprovalsOptions;
  readonly #pending = new Map<number, Pending>();
  #pendingCharacters = 0;
  readonly #decided = new DecidedApprovals();
  readonly #history: ApprovalHistory;
  /** Approved lately, newest last: what a rule might cover. */
  readonly #covered: Subject[] = [];

  constructor(options: ApprovalsOptions) {
    this.#options = options;
    this.#history = new ApprovalHistory(options);
  }

  get askedToday(): number {
    return this.#history.askedToday(this.#options.wallNow());
  }

  /** Approved for the whole session before. */
  isGranted(session: SessionId | '', key: string): boolean {
    return this.#history.isGranted(session, key);
  }

  /** Without asking: what an actor made is its own. */
  grant(session: SessionId, key: string, by: Actor): void {
    this.#history.grant(session, key);
    this.#record(session, by, { is: 'granted', grant: key });
  }

  /** `settled` is called once, later. Answers the number by which it can be withdrawn. */
  ask(ask: Ask): number {
    const now = this.#options.wallNow();
    const id = this.#history.newId();
    const fault = this.#tooMuch(ask);
    if (fault !== null) {
      this.#record(ask.session.id, ask.actor, { is: 'withdrawn', id, answer: fault });
      setImmediate(() => ask.settled({ is: 'withdrawn', id, message: `not typed: ${fault}` }));
      return id;
    }
    const timeoutMs = ask.timeoutMs ?? this.#options.policy.rules.policy.approvalMs;
    const approval: Approval = {
      id,
      session: ask.session.id as SessionId,
      sessionName: ask.session.name,
      actor: ask.actor,
      kind: ask.kind,
      text: ask.text,
      shown: shownText(ask.text),
      folder: ask.folder,
      program: ask.program,
      reason: ask.reason,
      seen: [...ask.seen],
      rule: ask.rule,
      offer: ask.offer ? ruleText(ask.offer) : null,
      alike: this.#history.alike({ ...ask, now }),
      choices: ask.choices ?? [],
      askedAt: now,
      expiresAt: now + timeoutMs,
      state: 'pending',
      decidedBy: null,
      decidedAt: null,
      answer: null,
      edited: null,
    };
    const timer = setTimeout(() => this.#expire(id), timeoutMs);
    this.#pending.set(id, { approval, ask, timer });
    this.#pendingCharacters += sizeOf(approval);
    const { kind, folder, program, reason, seen, rule } = approval;
    const text = ask.text.slice(0, MAX_JOURNAL_CHARACTERS);
    this.#record(ask.session.id, ask.actor, { is: 'asked', id, kind, text, folder, program, reason, seen, rule });
    this.#options.changed(approval);
    return id;
  }

  /** It is not wanted any more, or would not be what was shown. */
  withdraw(id: number, why: string): void {
    const pending = this.#pending.get(id);
    if (pending) this.#settle(pending, { is: 'withdrawn', id, message: `not typed: ${why}` }, { by: null, answer: why });
  }

  /** Throws `no-approval`, or `bad-request` where it cannot be decided so. */
  decide(
    wanted: {
      id: number;
      decision: 'approve' | 'reject';
      scope: 'once' | 'session' | 'rule';
      text?: string;
      reason?: string;
      answer?: string;
    },
    by: Actor,
  ): Approval {
    const { id, scope } = wanted;
    const pending = this.#pending.get(id);
    if (!pending) throw this.#unknown(id);
    const { ask } = pending;
    if (wanted.decision === 'reject') {
      const message = `${by.name} said no${wanted.reason ? `: ${wanted.reason}` : ''}`;
      return this.#settle(pending, { is: 'rejected', id, message }, { by, answer: wanted.reason ?? null });
    }
    const changed = ask.change();
    if (changed !== null) {
      this.withdraw(id, changed);
      throw new CmdopError('no-approval', `${changed} since ${ask.actor.name} asked for ${id}: it was told, and may ask again`);
    }
    const edited = wanted.text ?? null;
    if (edited !== null) checkEdited(edited, ask);
    if (ask.kind === 'question' && !wanted.answer) throw new CmdopError('bad-request', `${id} is a question: give an answer`);
    if (ask.choices?.length && wanted.answer && !ask.choices.includes(wanted.answer)) {
      throw new CmdopError('bad-request', `"${wanted.answer}" is none of the answers to ${id}: ${ask.choices.join(', ')}`);
    }
    if (scope !== 'once' && edited !== null)
      throw new CmdopError('bad-request', 'an edited line is approved once: leave out the session or the rule');
    if (scope === 'session') this.#grantSession(id, ask);
    if (scope === 'rule') {
      if (!ask.offer)
        throw new CmdopError('bad-request', `no rule can cover ${id}: ${ask.seen[0] ?? 'it is no plain command'}; approve it once`);
      this.#options.policy.add(ask.offer, ask.rule);
      this.#record(null, by, { is: 'rule', id, rule: ruleText(ask.offer) }, 'policy');
    }
    if (ask.subject) this.#remember(ask.subject);
    const answer = wanted.answer ?? null;
    return this.#settle(pending, { is: 'approved', id, edited, answer }, { by, answer, scope, edited });
  }

  list(filter: { session?: SessionId; state?: Approval['state']; actor?: Actor['id'] }): Approval[] {
    const all = [...this.#decided.all(), ...[...this.#pending.values()].map(({ approval }) => approval)].sort((a, b) => a.id - b.id);
    return all.filter(
      ({ session, state, actor }) =>
        (filter.session === undefined || session === filter.session) &&
        (filter.state === undefined || state === filter.state) &&
        (filter.actor === undefined || actor.id === filter.actor),
    );
  }

  /** A rule that would have covered what was approved last, five times or more, and is none yet. */
  offer(): { rule: string; covers: number } | null {
    for (let covers = this.#covered.length; covers >= 5; covers--) {
      const rule = coveringRule(this.#covered.slice(-covers));
      if (!rule) continue;
      const text = ruleText(rule);
      const isKnown = this.#options.policy.rules.policy.rules.some((each) => ruleText(each) === text);
      return isKnown ? null : { rule: text, covers };
    }
    return null;
  }

  /** The session is over, and with it what was approved for it. */
  sessionEnded(session: SessionId): void {
    for (const { approval } of [...this.#pending.values()])
      if (approval.session === session) this.withdraw(approval.id, 'the session has ended');
    this.#history.forget(session);
  }

  /** Agents are paused, or the host ends: nothing waits on. */
  withdrawAll(why: string): void {
    for (const { approval } of [...this.#pending.values()]) this.withdraw(approval.id, why);
  }

  dispose(): void {
    this.withdrawAll('the host stopped; it is asked again by the next one');
  }

  /** Why no more is asked now; null if it is. */
  #tooMuch({ actor, text }: Ask): string | null {
    let mine = 0;
    for (const { ask } of this.#pending.values()) if (ask.actor.id === actor.id) mine++;
    if (mine >= MAX_PENDING) return `${actor.name} has ${MAX_PENDING} approvals waiting already: wait until people have decided some`;
    const isFull = this.#pending.size >= MAX_PENDING_OF_ALL || this.#pendingCharacters + text.length > MAX_PENDING_CHARACTERS;
    return isFull ? `${this.#pending.size} approvals of all agents are waiting already: wait until people have decided some` : null;
  }

  #grantSession(id: number, ask: Ask): void {
    if (ask.grant === null || ask.session.id === '') {
      throw new CmdopError(
        'bad-request',
        `${id} means something else each time (${ask.seen[0] ?? 'it depends on what is typed'}): approve it once`,
      );
    }
    this.#history.grant(ask.session.id, ask.grant);
  }

  #remember(subject: Subject): void {
    this.#covered.push(subject);
    if (this.#covered.length > 20) this.#covered.shift();
  }

  #expire(id: number): void {
    const pending = this.#pending.get(id);
    if (pending)
      this.#settle(pending, { is: 'expired', id, message: 'nobody approved it in time, so it was rejected' }, { by: null, answer: null });
  }

  #settle(
    { approval, ask, timer }: Pending,
    outcome: Outcome,
    { by, answer, scope, edited = null }: { by: Actor | null; answer: string | null; scope?: string; edited?: string | null },
  ): Approval {
    clearTimeout(timer);
    this.#pending.delete(approval.id);
    this.#pendingCharacters -= sizeOf(approval);
    const decided: Approval = { ...approval, state: outcome.is, decidedBy: by, decidedAt: this.#options.wallNow(), answer, edited };
    this.#decided.add(decided);
    const grant = scope === 'session' ? { grant: ask.grant } : {};
    this.#record(ask.session.id, by, { is: outcome.is, id: approval.id, ...(scope ? { scope } : {}), ...grant, edited, answer });
    // First it is written, then it is told: who hears of it finds it so.
    ask.settled(outcome);
    this.#options.changed(decided);
    return decided;
  }

  #unknown(id: number): CmdopError {
    const known = this.#decided.find(id);
    if (!known) return new CmdopError('no-approval', `no approval ${id} waits: \`cmdop approvals\` shows what does`);
    const who = known.decidedBy ? ` by ${known.decidedBy.name}` : '';
    return new CmdopError('no-approval', `approval ${id} is ${known.state} already${who}${known.answer ? ` (${known.answer})` : ''}`);
  }

  #record(
    session: SessionId | '' | null,
    by: Actor | null,
    payload: Record<string, unknown>,
    kind: 'approval' | 'policy' = 'approval',
  ): void {
    this.#options.journal.append({
      session: session === '' ? null : session,
      actor: by?.id ?? null,
      interface: by?.interface ?? null,
      kind,
      outputOffset: null,
      payload,
    });
  }
}

function checkEdited(text: string, ask: Ask): void {
  if (!ask.isEditable) throw new CmdopError('bad-request', 'only a command at the prompt can be edited: approve or reject this one');
  if (text.trim() === '' || /[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)) {
    throw new CmdopError('bad-request', 'an edited command is one line without control characters');
  }
}
