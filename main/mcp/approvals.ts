/** What an agent hears of the people who decide about it: that one is asked, and what they said. */
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { AttachedSession } from '../sdk/attached-session.ts';
import type { Agent } from './agent.ts';

/** Says why the units that follow are sent; nothing where the agent gave no reason. */
export async function withReason(agent: Agent, attached: AttachedSession, reason: string | undefined): Promise<void> {
  await agent.client.request('agent.reason', { channel: attached.channel, reason: reason ?? '' }).catch((error: unknown) => {
    // An older host asks nobody, so there is nobody to tell.
    if (!(error instanceof CmdopError) || error.code !== 'unknown-method') throw error;
  });
}

/** Tells of what begins to wait for a person; the returned function ends that. */
export function tellingApprovals(agent: Agent, tell: (message: string) => void): () => void {
  return agent.listen((news) => {
    if (news.is !== 'approval' || news.approval.state !== 'pending') return;
    const { id, kind, sessionName } = news.approval;
    tell(
      kind === 'question'
        ? `question ${id}: a person at ${sessionName} is asked`
        : `waiting for approval ${id}: a person at ${sessionName} is asked`,
    );
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
