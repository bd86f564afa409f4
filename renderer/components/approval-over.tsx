/** Over the terminal in front: what waits for a person in this session, away from the line that is being typed. */
import { ShieldQuestion } from 'lucide-react';
import { useState } from 'react';
import { focusTerminal } from '../state/actions.ts';
import { pendingOf, putAside } from '../state/approvals.ts';
import { keyText } from '../state/commands.ts';
import { goToApproval } from '../state/deciding.ts';
import { findHost, type HostedSession, useActiveSession, useApp } from '../state/store.ts';
import { type ApprovalGroup, groupApprovals, wishText } from '../text/approval-text.ts';
import { ApprovalCard } from './approval-card.tsx';
import { Keys } from './hint.tsx';
import { useActiveTerminal } from './use-terminal.ts';

export function ApprovalCardOver() {
  const session = useActiveSession();
  const host = useApp((state) => (session ? findHost(state, session.host) : null));
  const isAside = useApp((state) => session !== null && state.cardsAside.has(session.key));
  const groups = session && host ? groupApprovals(pendingOf(host, session)) : [];
  const isInPanel = useApp(({ preferences }) => preferences.panel === 'approvals');
  if (!session || isInPanel || groups.length === 0) return null;
  if (isAside) {
    const count = groups.reduce((sum, group) => sum + group.length, 0);
    return (
      <button type="button" className="approvals-aside" data-testid="approvals-aside" onClick={goToApproval}>
        <ShieldQuestion size={14} aria-hidden="true" />
        {count === 1 ? '1 waits for approval' : `${count} wait for approval`}
        <Keys text={keyText('go-to-approval') ?? ''} />
      </button>
    );
  }
  return <Card key={session.key} session={session} groups={groups} />;
}

function Card({ session, groups }: { session: HostedSession; groups: ApprovalGroup[] }) {
  const terminal = useActiveTerminal();
  const [chosen, setChosen] = useState<number | null>(null);
  // Chosen once: a card that moves about is no card to click on.
  const [isAtTop] = useState(() => {
    const screen = terminal?.terminal;
    return screen ? screen.buffer.active.cursorY > screen.rows / 2 : false;
  });
  const at = Math.max(
    0,
    groups.findIndex((group) => group.some(({ id }) => id === chosen)),
  );
  const group = groups[at];
  if (!group) return null;
  const step = (by: 1 | -1) => setChosen(groups[(at + by + groups.length) % groups.length]?.[0].id ?? null);
  return (
    <div className={`approval-over${isAtTop ? ' top' : ''}`}>
      <p className="hidden-text" role="status">
        {group[0].actor.name} {wishText(group[0])} {group[0].shown}: {keyText('go-to-approval')} to answer
      </p>
      <ApprovalCard
        host={session.host}
        group={group}
        place="over"
        position={groups.length > 1 ? `${at + 1} of ${groups.length}` : undefined}
        onStep={groups.length > 1 ? step : undefined}
        onLater={() => {
          putAside(session.key, true);
          focusTerminal();
        }}
      />
    </div>
  );
}
