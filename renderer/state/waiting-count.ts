/** How many things wait for a person, for a title, a dock or a taskbar. */
import { pendingCount } from './approvals.ts';
import type { AppState, HostedSession } from './store.ts';

/** What waits for a person: approvals, questions, and agents in terminals that have neither. */
export function waitingCount(state: Pick<AppState, 'hosts'>): number {
  const isWaiting = ({ agentState, state: is }: HostedSession) => agentState?.is === 'waiting-input' && is !== 'ended';
  const agents = state.hosts.flatMap(({ sessions, approvals }) =>
    (sessions ?? []).filter(
      (each) => isWaiting(each) && !approvals.some(({ session, state: is }) => session === each.id && is === 'pending'),
    ),
  );
  return pendingCount(state) + agents.length;
}
