/** React's view of a session's terminal, which lives outside of React. */
import { useSyncExternalStore } from 'react';
import { useApp } from '../state/store.ts';
import { terminals } from '../state/terminals.ts';
import type { SessionTerminal } from '../terminal/session-terminal.ts';
import type { TerminalView } from '../terminal/terminal-view.ts';

const nothing = () => () => {};

export function useTerminalView(terminal: SessionTerminal | null): TerminalView | null {
  return useSyncExternalStore(terminal?.subscribe ?? nothing, () => terminal?.view ?? null);
}

/** The terminal of the tab in front, null while it is being made or where there is none. */
export function useActiveTerminal(): SessionTerminal | null {
  const active = useApp((state) => state.preferences.activeTab);
  return useSyncExternalStore(terminals.subscribe, () => terminals.get(active));
}
