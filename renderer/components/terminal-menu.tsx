/** The menu of the terminal: what a right click does where no program wants the mouse. */
import { ContextMenu } from 'radix-ui';
import { type ReactNode, useState } from 'react';
import type { CommandRecord } from '#protocol/shapes.ts';
import { platform } from '../platform/platform.ts';
import { askWhoRan } from '../state/actions.ts';
import { COMMANDS, isUsable, keyText, runCommand } from '../state/commands.ts';
import type { OutputPlace } from '../state/store.ts';
import type { SessionTerminal } from '../terminal/session-terminal.ts';

const ITEMS = ['copy', 'point', 'paste', 'find', 'take-control', 'release-control'];
/** What only a selection can be done with. */
const NEEDS_SELECTION: ReadonlySet<string> = new Set(['copy', 'point']);

/** What is at a point of the page: the command whose block it is in, and the place to ask the host about. */
function placeAt({ terminal, blocks, screen }: SessionTerminal, y: number): { command: CommandRecord | null; at: OutputPlace } | null {
  const top = terminal.element?.querySelector('.xterm-screen')?.getBoundingClientRect().top;
  const height = screen.cell?.height;
  if (top === undefined || !height) return null;
  const row = Math.min(terminal.rows - 1, Math.max(0, Math.floor((y - top) / height)));
  const command = blocks.at(row);
  const { viewportY, baseY } = terminal.buffer.active;
  return { command, at: command ? { offset: command.from } : { line: row + viewportY - baseY } };
}

export function TerminalMenu({ terminal, children }: { terminal: SessionTerminal | null; children: ReactNode }) {
  const [place, setPlace] = useState<ReturnType<typeof placeAt>>(null);
  const [hasSelection, setHasSelection] = useState(false);
  const items = ITEMS.flatMap((id) => COMMANDS.filter((command) => command.id === id && (id !== 'paste' || platform.canReadClipboard)));
  return (
    <ContextMenu.Root>
      <ContextMenu.Trigger
        asChild
        onContextMenu={(event) => {
          setPlace(terminal && placeAt(terminal, event.clientY));
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
          {items.map((command) => (
            <ContextMenu.Item
              key={command.id}
              disabled={!isUsable(command) || (NEEDS_SELECTION.has(command.id) && !hasSelection)}
              onSelect={() => setTimeout(() => runCommand(command.id))}
            >
              {command.title}
              <span className="menu-key">{keyText(command.id)}</span>
            </ContextMenu.Item>
          ))}
          <ContextMenu.Separator />
          <ContextMenu.Item disabled={!place} onSelect={() => setTimeout(() => place && askWhoRan(place))}>
            Who ran this?
          </ContextMenu.Item>
          <ContextMenu.Item onSelect={() => setTimeout(() => runCommand('replay'))}>
            Replay this session
            <span className="menu-key">{keyText('replay')}</span>
          </ContextMenu.Item>
        </ContextMenu.Content>
      </ContextMenu.Portal>
    </ContextMenu.Root>
  );
}
