/** Dialogs about hosts: adding one, putting cmdop onto it, and following a link to one. */
import { Command } from 'cmdk';
import { Dialog } from 'radix-ui';
import { useEffect, useState } from 'react';
import { closeDialog } from '../state/actions.ts';
import { client } from '../state/engines.ts';
import { installOn } from '../state/host-builds.ts';
import { findKnownHosts } from '../state/hosts.ts';
import { openAddress } from '../state/links.ts';
import { addHost } from '../state/open-hosts.ts';
import { app, findHost, type Dialog as Shown, useApp } from '../state/store.ts';
import { isHostName, isHostTooOld } from '../text/host-state.ts';
import { ConfirmDialog } from './dialog-frame.tsx';

export function AddHost() {
  const [typed, setTyped] = useState('');
  const known = useApp((state) => state.knownHosts);
  const hosts = useApp((state) => state.hosts);
  useEffect(() => void findKnownHosts(), []);
  const name = typed.trim();
  const others = known.filter((host) => !hosts.some((each) => each.name === host.name));
  const isNew = isHostName(name) && !known.some((host) => host.name === name);
  const add = (host: string) => {
    closeDialog();
    if (findHost(app.get(), host)) client(host).reconnectNow();
    addHost(host);
  };
  return (
    <Dialog.Root open onOpenChange={(open) => !open && closeDialog()}>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="palette" aria-describedby={undefined} onCloseAutoFocus={(event) => event.preventDefault()}>
          <Dialog.Title className="hidden-text">Add host</Dialog.Title>
          <Command label="Add host" loop>
            <Command.Input
              autoFocus
              placeholder="user@host, or a name from your SSH configuration"
              value={typed}
              onValueChange={setTyped}
            />
            <Command.List>
              {!isNew && (
                <Command.Empty className="nothing">
                  {name === ''
                    ? 'Your SSH configuration names no host. Type one, as user@host or user@host:port.'
                    : 'A host is one word: user@host, user@host:port, or a name from your SSH configuration.'}
                </Command.Empty>
              )}
              {isNew && (
                <Command.Item forceMount value={`connect ${name}`} onSelect={() => add(name)}>
                  Connect to {name}
                </Command.Item>
              )}
              {others.length > 0 && (
                <Command.Group heading="Known hosts">
                  {others.map((host) => (
                    <Command.Item key={host.name} value={host.name} keywords={[host.detail]} onSelect={() => add(host.name)}>
                      {host.name}
                      <span className="dim">
                        {host.detail} · {host.by}
                      </span>
                    </Command.Item>
                  ))}
                </Command.Group>
              )}
            </Command.List>
          </Command>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

export function Install({ dialog: { host } }: { dialog: Extract<Shown, { is: 'install' }> }) {
  const isOld = useApp((state) => {
    const link = findHost(state, host)?.link;
    return link?.is === 'offline' && isHostTooOld(link.error);
  });
  return (
    <ConfirmDialog title={`Install cmdop on ${host}?`} action="Install" isCancelFirst onConfirm={() => void installOn(host)}>
      <p>{`${host} was reached and has ${isOld ? 'a cmdop that is too old for this window' : 'no cmdop'}. This one is put into ~/.local/share/cmdop there, and nothing else is touched but the command ~/.local/bin/cmdop; it needs no administrator.`}</p>
    </ConfirmDialog>
  );
}

export function OpenLink({ dialog: { host, session } }: { dialog: Extract<Shown, { is: 'open-link' }> }) {
  return (
    <ConfirmDialog title={`Connect to ${host}?`} action="Connect" isCancelFirst onConfirm={() => openAddress({ host, session })}>
      <p>{`A link leads to the session ${session} on ${host}, which is not in this window. Connecting uses your SSH keys: do it only if you know where the link came from.`}</p>
    </ConfirmDialog>
  );
}
