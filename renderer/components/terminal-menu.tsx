/** The menu of the terminal: what a right click does where no program wants the mouse. */
import { ContextMenu } from 'radix-ui';
import { type ReactNode, useState } from 'react';
import { platform } from '../platform/platform.ts';
import { COMMANDS, keyText, runCommand } from '../state/commands.ts';
import type { SessionTerminal } from '../terminal/session-terminal.ts';

const ITEMS = ['copy', 'paste', 'find', 'take-control', 'release-control'];

export function TerminalMenu({ terminal, children }: { terminal: SessionTerminal | null; children: ReactNode }) {
  const [hasSelection, setHasSelection] = useState(false);
  const items = ITEMS.flatMap((id) => COMMANDS.filter((command) => command.id === id && (id !== 'paste' || platform.canReadClipboard)));
  return (
    <ContextMenu.Root>
      <ContextMenu.Trigger
        asChild
        onContextMenu={(event) => {
          setHasSelection(terminal?.terminal.hasSelection() ?? false);
          // A program that watches the mouse gets this click too; with Shift it is meant for us.
          if (terminal?.terminal.modes.mouseTrackingMode !== 'none' && !event.shiftKey) event.preventDefault();
        }}
      >
        {children}
      </ContextMenu.Trigger>
      <ContextMenu.Portal>
        <ContextMenu.Content
          className="menu"
          collisionPadding={8}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            terminal?.terminal.focus();
          }}
        >
          {items.map(({ id, title, isAvailable }) => (
            <ContextMenu.Item
              key={id}
              disabled={!(isAvailable?.() ?? true) || (id === 'copy' && !hasSelection)}
              onSelect={() => setTimeout(() => runCommand(id))}
            >
              {title}
              <span className="menu-key">{keyText(id)}</span>
            </ContextMenu.Item>
          ))}
        </ContextMenu.Content>
      </ContextMenu.Portal>
    </ContextMenu.Root>
  );
}
