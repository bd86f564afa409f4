/** What agents wait to be allowed, kept as the hosts tell it. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { Approval } from '#protocol/approvals.ts';
import { tellOfApproval } from './notices.ts';
import { type SessionKey, sessionKey } from './session-key.ts';
import { type AppState, app, findHost, type HostedSession, type HostView, setHost } from './store.ts';

/** Decided ones that are still shown, for each host. */
const DECIDED_KEPT = 30;
/** Counts and offers are asked for once decisions rest, milliseconds. */
const COUNT_AFTER_MS = 250;

export const isPending = ({ state }: Approval): boolean => state === 'pending';

/** The session's own, and those that are about no session of its host yet. */
export function pendingOf({ approvals }: HostView, session: HostedSession): Approval[] {
  return approvals.filter((approval) => isPending(approval) && (approval.session === session.id || approval.sessionName === ''));
}

export const pendingCount = ({ hosts }: Pick<AppState, 'hosts'>): number =>
  hosts.reduce((count, { approvals }) => count + approvals.filter(isPending).length, 0);

/** After a connection: what is held from before it may be over. */
export async function fetchApprovals(host: string, engine: CmdopClient): Promise<void> {
  const before = findHost(app.get(), host)?.approvals ?? [];
  setHost(host, { approvals: before.filter((approval) => !isPending(approval)) });
  if (engine.guest) return; // for owners: asking in vain would stand in their journal
  try {
    const { approvals, askedToday, offer = null } = await engine.request('approval.list', {});
    const known = new Map(approvals.map((approval) => [approval.id, approval]));
    // What was told while the answer was on its way is newer than it.
    for (const told of findHost(app.get(), host)?.approvals ?? []) {
      const listed = known.get(told.id);
      if (listed ? isPending(listed) && !isPending(told) : isPending(told)) known.set(told.id, told);
    }
    setHost(host, { approvals: kept([...known.values()]), askedToday, ruleOffer: offer });
  } catch {
    // An older host has no approvals; a link that broke fetches them when it is back.
  }
}

const counting = new Map<string, ReturnType<typeof setTimeout>>();

/** How many were asked, and which rule they suggest: the host's own count. */
export function countApprovalsSoon(host: string, engine: CmdopClient): void {
  clearTimeout(counting.get(host));
  counting.set(
    host,
    setTimeout(async () => {
      try {
        const { askedToday, offer = null } = await engine.request('approval.list', { state: 'pending' });
        setHost(host, { askedToday, ruleOffer: offer });
      } catch {
        // the link broke: the next connection fetches everything
      }
    }, COUNT_AFTER_MS),
  );
}

export function approvalChanged(host: string, approval: Approval): void {
  const before = findHost(app.get(), host);
  if (!before) return;
  const isNew = !before.approvals.some(({ id }) => id === approval.id);
  setHost(host, {
    approvals: kept(isNew ? [...before.approvals, approval] : before.approvals.map((each) => (each.id === approval.id ? approval : each))),
  });
  if (isNew && isPending(approval)) {
    bringBack(sessionKey(host, approval.session));
    tellOfApproval(host, approval);
  }
}

function kept(approvals: readonly Approval[]): Approval[] {
  const decided = approvals.filter((approval) => !isPending(approval)).slice(-DECIDED_KEPT);
  return [...decided, ...approvals.filter(isPending)].sort((a, b) => a.id - b.id);
}

/** A card that was put away comes again with what is new. */
function bringBack(session: SessionKey): void {
  if (app.get().cardsAside.has(session)) putAside(session, false);
}

export function putAside(session: SessionKey, isAside: boolean): void {
  app.set(({ cardsAside }) => {
    const next = new Set(cardsAside);
    if (isAside) next.add(session);
    else next.delete(session);
    return { cardsAside: next };
  });
}
