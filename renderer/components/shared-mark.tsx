/** Marks a session to which others may come. */
import { Users } from 'lucide-react';
import type { HostedSession } from '../state/store.ts';

export function SharedMark({ session: { shared } }: { session: HostedSession }) {
  if (!shared) return null;
  const { invites } = shared;
  const text = invites === 0 ? 'Shared' : `Shared: ${invites === 1 ? 'one person is' : `${invites} people are`} invited`;
  return (
    <span className="shared-mark" role="img" aria-label={text} title={text} data-testid="shared-mark">
      <Users size={12} aria-hidden="true" />
    </span>
  );
}
