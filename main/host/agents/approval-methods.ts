/** What the requests about approvals and the policy do. */
import type { APPROVAL_METHODS } from '#protocol/approvals.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { Actor } from '#protocol/shapes.ts';
import { PRESETS } from '#session/policy-presets.ts';
import type { Attachments } from '../attachments.ts';
import type { ClientConnection, Handlers } from '../client-connection.ts';
import type { Journal } from '../journal/journal.ts';
import { urgentThatFit } from '../screen/rows-that-fit.ts';
import type { AgentGuard } from './agent-guard.ts';
import type { Approvals } from './approvals.ts';
import { isAgent } from './input-judge.ts';
import { type PolicyFile, parsePolicy } from './policy-file.ts';

export type ApprovalHandlers = Pick<Handlers, keyof typeof APPROVAL_METHODS>;

export type ApprovalContext = {
  approvals: Approvals;
  guard: AgentGuard;
  policy: PolicyFile;
  journal: Journal;
  attachments: Attachments;
  find(reference: string): { id: SessionId; name: string; folder: string };
};

/** A question waits longer than a command: people are asked to think. */
const QUESTION_MS = 30 * 60_000;

export function approvalHandlers({ approvals, guard, policy, journal, attachments, find }: ApprovalContext): ApprovalHandlers {
  const who = (connection: ClientConnection) => connection.who.actor;
  /** The guard refuses agents before; this is the second lock. */
  const person = (connection: ClientConnection): Actor => {
    if (isAgent(who(connection))) throw new CmdopError('unauthorized', 'this is for people: ask one');
    return who(connection);
  };
  return {
    'agent.reason'(connection, { channel, reason }, answer) {
      const session = attachments.need(connection, channel);
      session.typing.agents.reason(session.attachedAt(channel).client, reason);
      answer({});
    },
    async 'agent.ask'(connection, { session: reference, question, choices = [], timeoutMs }, answer) {
      const session = find(reference);
      const decided = await guard.asked(connection, (settled) =>
        approvals.ask({
          session,
          actor: who(connection),
          kind: 'question',
          text: question,
          folder: session.folder,
          program: null,
          reason: null,
          seen: [],
          rule: null,
          choices,
          timeoutMs: timeoutMs ?? QUESTION_MS,
          subject: null,
          offer: null,
          grant: null,
          isEditable: false,
          change: () => null,
          settled,
        }),
      );
      answer({ answer: decided.answer ?? '' });
    },
    'approval.list'(connection, { session, state }, answer) {
      const actor = who(connection);
      const filter = {
        ...(session === undefined ? {} : { session: find(session).id }),
        ...(state === undefined ? {} : { state }),
        ...(isAgent(actor) ? { actor: actor.id } : {}),
      };
      // Somebody who makes many long ones must not keep the others from being shown.
      const fitting = urgentThatFit(approvals.list(filter), ({ state }) => state === 'pending');
      answer({ approvals: fitting, askedToday: approvals.askedToday, offer: isAgent(actor) ? null : approvals.offer() });
    },
    'approval.decide'(connection, { text, reason, answer: said, ...wanted }, answer) {
      const more = {
        ...(text === undefined ? {} : { text }),
        ...(reason === undefined ? {} : { reason }),
        ...(said === undefined ? {} : { answer: said }),
      };
      answer({ approval: approvals.decide({ ...wanted, ...more }, person(connection)) });
    },
    'policy.get': (_connection, _params, answer) =>
      answer({ file: policy.file, text: policy.text, problems: policy.problem === null ? [] : [policy.problem], presets: [...PRESETS] }),
    'policy.set'(connection, { text, check }, answer) {
      const by = person(connection);
      if (check) {
        const parsed = parsePolicy(text);
        if ('mistake' in parsed) throw new CmdopError('bad-request', `the policy has a mistake at ${parsed.mistake}`);
      } else {
        policy.save(text);
        journal.append({
          session: null,
          actor: by.id,
          interface: by.interface,
          kind: 'policy',
          outputOffset: null,
          payload: { is: 'set', text: text.slice(0, 8_192) },
        });
      }
      answer({});
    },
  };
}
