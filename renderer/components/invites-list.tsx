/** Who is invited to the session in front, and has not come or may come again; for its owners. */
import { KeyRound, Link, UserPlus, X } from 'lucide-react';
import type { Invite } from '#protocol/sharing.ts';
import { liveInvites, revoke } from '../state/guests.ts';
import { app, findHost, type HostedSession, useApp } from '../state/store.ts';
import { timeText } from '../text/format.ts';
import { IconButton } from './icon-button.tsx';

export function InvitesList({ session }: { session: HostedSession }) {
  const host = useApp((state) => findHost(state, session.host));
  if (!host || host.guest) return null;
  const invites = liveInvites(host.invites, session);
  return (
    <section aria-label="Invited" className="invites">
      {invites.length > 0 && <h3 className="list-title">Invited</h3>}
      <ul>
        {invites.map((invite) => (
          <InviteRow key={invite.id} invite={invite} host={session.host} />
        ))}
      </ul>
      <button type="button" className="button small" onClick={() => app.set({ dialog: { is: 'share', session: session.key } })}>
        <UserPlus size={13} aria-hidden="true" /> Share…
      </button>
    </section>
  );
}

function InviteRow({ invite, host }: { invite: Invite; host: string }) {
  const { name, role, way, state, expiresAt, key } = invite;
  const Way = way === 'link' ? Link : KeyRound;
  return (
    <li className="invite-row" data-testid="invite-row">
      <Way size={13} aria-hidden="true" />
      <span className="invite-text">
        <span className="actor-name">{name}</span>
        <span className="dim" title={key ?? undefined}>
          {role} · by {WAY_TEXTS[way]} · {state === 'open' ? 'not used yet' : 'used'}
          {expiresAt !== null && ` · ends ${timeText(expiresAt)}`}
        </span>
      </span>
      <IconButton label={`Revoke the invite of ${name}`} hint="Revoke" className="small" onClick={() => void revoke(host, invite)}>
        <X size={14} />
      </IconButton>
    </li>
  );
}

const WAY_TEXTS = { key: 'key', ssh: 'plain ssh', link: 'link' } as const;
