/** What an agent hears of the people who decide about it: that one is asked, and what they said. */
import type { Approval } from '#protocol/approvals.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { Agent } from './agent.ts';
import type { AgentSession } from './agent-session.ts';

/** Says why the units that follow are sent; nothing where the agent gave no reason. */
export async function withReason(agent: Agent, attached: AgentSession, reason: string | undefined): Promise<void> {
  if (attached.whyObserver) throw attached.whyObserver;
  await agent.client.request('agent.reason', { channel: attached.channel, reason: reason ?? '' }).catch((error: unknown) => {
    // An older host asks nobody, so there is nobody to tell.
    if (!(error instanceof CmdopError) || error.code !== 'unknown-method') throw error;
  });
}

/** Tells of approvals that wait in a session, now and as they change; the returned function ends that. */
export function tellingApprovals(agent: Agent, session: SessionId, tell: (message: string) => void): () => void {
  const told = (approval: Approval) => {
    if (approval.session === session && approval.state === 'pending') tell(`waiting for approval ${approval.id}: a person is asked`);
  };
  for (const approval of agent.waitingIn(session)) told(approval);
  return agent.listen((news) => {
    if (news.is === 'approval') told(news.approval);
  });
}

/** The latest decision about a text in a session. */
export function approvalOf(
  agent: Agent,
  session: SessionId,
  text: string,
): { id: number; decision: string; by: string | null; ranInstead: string | null } | null {
  const found = agent.approvalsIn(session).findLast((approval) => approval.text.replace(/[\r\n]+$/, '') === text);
  return found ? { id: found.id, decision: found.state, by: found.decidedBy?.name ?? null, ranInstead: found.edited } : null;
}
