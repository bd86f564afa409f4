/** Who is attached to the session in front: from where, as what, since when, typing now, in control. */
import { AppWindow, Bot, Globe, Keyboard, Network, Plug, SquareTerminal, User } from 'lucide-react';
import { LOCAL_HOST } from '#protocol/address.ts';
import type { Actor, Attachment } from '#protocol/shapes.ts';
import { findHost, type HostedSession, typingKey, useActiveSession, useApp } from '../state/store.ts';
import { timeText } from '../text/format.ts';
import { ActorMark, INTERFACE_NAMES } from './actor-mark.tsx';
import { ActorMenu } from './actor-menu.tsx';
import { Conversation } from './conversation.tsx';
import { InvitesList } from './invites-list.tsx';
import { PanelHead } from './panel-head.tsx';
import { SshShared } from './ssh-shared.tsx';

export function ActorsPanel() {
  const session = useActiveSession();
  const isGuest = useApp((state) => session !== null && findHost(state, session.host)?.guest != null);
  const attached = session?.attached.toSorted((a, b) => a.since - b.since) ?? [];
  return (
    <aside className="panel" aria-label="Actors" data-region="panel">
      <PanelHead title="Actors" panel="actors" />
      <div className="panel-scroll">
        <ul className="panel-list" data-region-focus tabIndex={-1}>
          {attached.map((attachment) => (
            <ActorRow key={attachment.client} attachment={attachment} session={session} />
          ))}
        </ul>
        {session && attached.length === 0 && (
          <p className="nothing">
            Nobody is attached. {session.state === 'running' ? 'The session goes on by itself.' : 'The session has ended.'}
          </p>
        )}
        {!session && <p className="nothing">Open a session to see who is there.</p>}
        {session && <InvitesList session={session} />}
        {session && <SshShared session={session} />}
      </div>
      {session && <Conversation session={session} />}
      {session?.state === 'running' && !isGuest && (
        <p className="panel-foot dim">
          Others join with <code>cmdop attach {session.host === LOCAL_HOST ? session.name : session.address}</code>
        </p>
      )}
    </aside>
  );
}

function ActorRow({ attachment, session }: { attachment: Attachment; session: HostedSession | null }) {
  const { actor, client, role, since } = attachment;
  const proof = proofText(attachment);
  const isMe = useApp((state) => session !== null && findHost(state, session.host)?.client === client);
  const isTyping = useApp((state) => session !== null && state.typing.has(typingKey(session.key, client)));
  const isSecret = useApp((state) => session !== null && state.typingSecrets.has(typingKey(session.key, client)));
  const hasControl = session?.control.holder?.client === client;
  return (
    <li className="actor-row" data-testid="actor-row" data-control={hasControl} data-typing={isTyping}>
      <ActorMark actor={actor} />
      <div className="actor-text">
        <span className="actor-line">
          <span className="actor-name">{actor.name}</span>
          {isMe && <span className="tag">this window</span>}
          {actor.kind === 'agent' && <span className="tag">agent</span>}
          {actor.guest !== undefined && <span className="tag">guest</span>}
          <span className="spring" />
          {isTyping && <span className="typing">{isSecret ? 'typing a secret' : 'typing'}</span>}
          {hasControl && (
            <span className="tag control" role="img" aria-label="has control" title="Has control">
              <Keyboard size={13} />
            </span>
          )}
          {session?.state === 'running' && !isMe && <ActorMenu attachment={attachment} session={session} />}
        </span>
        <span className="actor-line dim">
          <KindIcon actor={actor} />
          <span className="actor-where">
            {INTERFACE_NAMES[actor.interface]} · {role} · since {timeText(since)}
          </span>
        </span>
        {proof && (
          <span className="actor-line dim" title={attachment.authentication?.key}>
            <span className="actor-where">{proof}</span>
          </span>
        )}
      </div>
    </li>
  );
}

/** How a guest proved who they are; null for others. */
function proofText({ authentication }: Attachment): string | null {
  if (!authentication) return null;
  const { by, key } = authentication;
  if (by === 'link') return 'came by a link';
  return `proved ${by === 'ssh-key' ? 'the ssh key' : 'the key'}${key ? ` ${key.slice(0, 19)}…` : ''}`;
}

function KindIcon({ actor }: { actor: Actor }) {
  const Kind = actor.kind === 'agent' ? Bot : User;
  const Interface = { desktop: AppWindow, cli: SquareTerminal, browser: Globe, ssh: Network, mcp: Plug }[actor.interface];
  return (
    <>
      <Kind size={12} aria-label={actor.kind} />
      <Interface size={12} aria-hidden="true" />
    </>
  );
}
