/** What can be done about somebody at a session: give them control, change their role, remove them. */
import { Ellipsis } from 'lucide-react';
import { DropdownMenu } from 'radix-ui';
import type { Attachment, Role } from '#protocol/shapes.ts';
import { focusTerminal } from '../state/actions.ts';
import { grantControl, isOwner, setRole } from '../state/sharing.ts';
import { app, findHost, type HostedSession, useApp } from '../state/store.ts';
import { IconButton } from './icon-button.tsx';

const ROLES: readonly { role: Role; means: string }[] = [
  { role: 'owner', means: 'types, and decides who may' },
  { role: 'operator', means: 'types' },
  { role: 'observer', means: 'looks on' },
];

export function ActorMenu({ attachment: { actor, client, role }, session }: { attachment: Attachment; session: HostedSession }) {
  const me = useApp((state) => findHost(state, session.host)?.client);
  const canDecide = isOwner(session);
  const holder = session.control.holder?.client;
  const canGrant = session.control.mode !== 'open' && holder !== client && role !== 'observer' && (canDecide || holder === me);
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger asChild>
        <IconButton label={`${actor.name}: more`} className="small">
          <Ellipsis size={14} />
        </IconButton>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" collisionPadding={8}>
          <DropdownMenu.Item disabled={!canGrant} onSelect={() => void grantControl(session, client).then(() => focusTerminal())}>
            Give control
          </DropdownMenu.Item>
          <DropdownMenu.Separator />
          <DropdownMenu.Label className="menu-title">Role{!canDecide && ' (owners change it)'}</DropdownMenu.Label>
          <DropdownMenu.RadioGroup value={role}>
            {ROLES.filter((each) => each.role !== 'owner' || (actor.kind === 'human' && actor.guest === undefined)).map(
              ({ role: each, means }) => (
                <DropdownMenu.RadioItem key={each} value={each} disabled={!canDecide} onSelect={() => void setRole(session, actor, each)}>
                  <span className="menu-chosen" aria-hidden="true">
                    <DropdownMenu.ItemIndicator>✓</DropdownMenu.ItemIndicator>
                  </span>
                  {each}
                  <span className="menu-key">{means}</span>
                </DropdownMenu.RadioItem>
              ),
            )}
          </DropdownMenu.RadioGroup>
          <DropdownMenu.Separator />
          <DropdownMenu.Item
            className="danger"
            disabled={!canDecide}
            onSelect={() => setTimeout(() => app.set({ dialog: { is: 'kick', session: session.key, actor } }))}
          >
            Remove from this session…
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
