/** A person's part in approvals: saying yes or no, and getting to the card that asks. */
import type { ParamsInput } from '#protocol/messages.ts';
import type { ApprovalGroup } from '../text/approval-text.ts';
import { ask, focusTerminal, openTab } from './actions.ts';
import { isPending, pendingOf, putAside } from './approvals.ts';
import { sessionKey } from './session-key.ts';
import { app, findHost, findSession, setPreferences, toast } from './store.ts';
import { terminals } from './terminals.ts';

export type Decision = Omit<ParamsInput<'approval.decide'>, 'id'>;

/** The same for each of the group; stops at the first that the host refuses, and says why. */
export async function decide(host: string, group: ApprovalGroup, decision: Decision): Promise<void> {
  for (const [at, { id }] of group.entries()) {
    // The rule that was saved with the first one would be there already.
    const scope = at > 0 && decision.scope === 'rule' ? 'once' : decision.scope;
    if (!(await ask({ host, method: 'approval.decide', params: { ...decision, id, ...(scope ? { scope } : {}) } }))) return;
  }
}

/** Frames until a card that was asked for must be there. */
const FRAMES = 30;

/** Gives the keyboard to a card: of the session in front, else of the one that waits longest. */
export function goToApproval(): void {
  const state = app.get();
  const front = findSession(state, state.preferences.activeTab);
  const waiting = state.hosts.flatMap(({ name, approvals }) => approvals.filter(isPending).map((approval) => ({ host: name, approval })));
  if (waiting.length === 0) return toast('Nothing waits for an approval.');
  const frontHost = front && findHost(state, front.host);
  const isOver = (card: HTMLElement) => card.dataset.approvalCard === 'over';
  const first = waiting[0];
  const wanted = frontHost ? pendingOf(frontHost, front)[0]?.id : first?.approval.id;
  if (frontHost && pendingOf(frontHost, front).length > 0) putAside(front.key, false);
  else if (first && findSession(state, sessionKey(first.host, first.approval.session))) {
    const key = sessionKey(first.host, first.approval.session);
    openTab(key);
    putAside(key, false);
  } else setPreferences({ panel: 'approvals' });
  const attempt = (left: number): void => {
    const cards = [...document.querySelectorAll<HTMLElement>('[data-approval-card]')].filter((card) => card.checkVisibility());
    const card = cards.find((each) => Number(each.dataset.approval) === wanted) ?? cards.find(isOver) ?? cards[0];
    if (card) card.focus();
    else if (left > 0) requestAnimationFrame(() => attempt(left - 1));
  };
  // After the terminal of a tab that was opened just now took the keyboard.
  requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(() => attempt(FRAMES))));
}

/** A notification was clicked. */
export function showNoticed(about: string): void {
  const session = findSession(app.get(), about);
  if (session) openTab(session.key);
  else setPreferences({ panel: 'approvals' });
  if (session && terminals.get(session.key)) focusTerminal();
}
