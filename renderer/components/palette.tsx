/** The command palette: every command and every session, found by typing. */
import { Command } from 'cmdk';
import { Dialog } from 'radix-ui';
import { focusTerminal, openTab } from '../state/actions.ts';
import { COMMANDS, isUsable, keyText } from '../state/commands.ts';
import { app, useApp } from '../state/store.ts';
import { shortenPath } from '../text/format.ts';
import { hostTitle } from '../text/host-state.ts';
import { paletteScore } from '../text/palette-score.ts';
import { runningCommand } from '../text/session-state.ts';
import { Keys } from './hint.tsx';
import { StateDot } from './session-row.tsx';

export function Palette() {
  const isOpen = useApp((state) => state.dialog?.is === 'palette');
  return (
    <Dialog.Root open={isOpen} onOpenChange={(open) => !open && close(() => focusTerminal())}>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="palette" aria-describedby={undefined} onCloseAutoFocus={(event) => event.preventDefault()}>
          <Dialog.Title className="hidden-text">Command palette</Dialog.Title>
          {isOpen && <Choices />}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Choices() {
  const hosts = useApp((state) => state.hosts);
  const sessions = hosts.flatMap((host) => host.sessions ?? []);
  return (
    <Command label="Command palette" loop filter={(_value, typed, names = []) => paletteScore(typed, names)}>
      <Command.Input autoFocus placeholder="Type a command or the name of a session" />
      <Command.List>
        <Command.Empty className="nothing">Nothing has that name.</Command.Empty>
        {sessions.length > 0 && (
          <Command.Group heading="Sessions">
            {sessions.map((session) => (
              <Command.Item
                key={session.key}
                value={`session ${session.key}`}
                keywords={[
                  session.name,
                  session.cwd,
                  runningCommand(session) ?? '',
                  ...(hosts.length > 1 ? [hostTitle(session.host)] : []),
                ]}
                onSelect={() => {
                  openTab(session.key); // at once: what is typed next belongs to it
                  close(focusTerminal);
                }}
              >
                <StateDot session={session} />
                {session.name}
                {hosts.length > 1 && <span className="palette-host">{hostTitle(session.host)}</span>}
                <span className="dim">{session.state === 'ended' ? 'ended' : (runningCommand(session) ?? shortenPath(session.cwd))}</span>
              </Command.Item>
            ))}
          </Command.Group>
        )}
        <Command.Group heading="Commands">
          {COMMANDS.filter((command) => command.id !== 'palette' && isUsable(command)).map(({ id, title, run }) => {
            const key = keyText(id);
            return (
              <Command.Item
                key={id}
                value={`command ${id}`}
                keywords={[title]}
                onSelect={() =>
                  close(() => {
                    run();
                    focusTerminal();
                  })
                }
              >
                {title}
                <span className="spring" />
                {key && <Keys text={key} />}
              </Command.Item>
            );
          })}
        </Command.Group>
      </Command.List>
    </Command>
  );
}

function close(then: () => void): void {
  app.set({ dialog: null });
  focusTerminal(); // what is typed from here on is for the terminal, unless the command asks for it
  setTimeout(then); // once the dialog let go of the focus
}
