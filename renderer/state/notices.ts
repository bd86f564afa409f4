/** Telling the person who looks elsewhere that an agent needs them. */
import type { Approval } from '#protocol/approvals.ts';
import { platform } from '../platform/platform.ts';
import { wishText } from '../text/approval-text.ts';
import { sessionKey } from './session-key.ts';
import { app, findHost, type HostedSession } from './store.ts';

export function tellOfApproval(host: string, approval: Approval): void {
  const { actor, sessionName, session, shown } = approval;
  const where = sessionName === '' ? '' : ` in ${sessionName}`;
  void platform.notify({
    title: `${actor.name} ${wishText(approval)}${where}`.slice(0, 200),
    body: shown.slice(0, 300),
    about: sessionName === '' ? '' : sessionKey(host, session),
  });
}

/** A session's agent stopped to ask a person: told to who looks elsewhere. What it asks through cmdop is told as an approval. */
export function agentMoved(before: HostedSession | undefined, now: HostedSession): void {
  const { agentState, id, name, key } = now;
  if (agentState?.is !== 'waiting-input' || before?.agentState?.is === 'waiting-input') return;
  const isAsked = findHost(app.get(), now.host)?.approvals.some((approval) => approval.session === id && approval.state === 'pending');
  if (isAsked) return;
  void platform.notify({
    title: `${agentState.name} waits for you in ${name}`.slice(0, 200),
    body: (agentState.message ?? '').slice(0, 300),
    about: key,
  });
}
