/** The window's keys: they come before the terminal's, and only these do. */
import { platform } from '../platform/platform.ts';
import { COMMANDS } from './commands.ts';
import { keyOf } from './key-name.ts';
import { app } from './store.ts';

export function listenToKeys(): void {
  const byKey = new Map(COMMANDS.flatMap((command) => command.keys.map((key) => [key, command] as const)));
  window.addEventListener(
    'keydown',
    (event) => {
      const command = byKey.get(keyOf(event, platform.isMac));
      if (!command || app.get().dialog !== null) return;
      // Without leave to read the clipboard, the browser's own paste event brings the text.
      if (command.id === 'paste' && !platform.canReadClipboard) return;
      if (command.id === 'copy' && isEditing(event.target)) return;
      event.preventDefault();
      event.stopPropagation();
      if (command.isAvailable?.() ?? true) command.run();
    },
    { capture: true },
  );
}

/** A text field of ours, not the hidden one of the terminal. */
function isEditing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea') && !target.classList.contains('xterm-helper-textarea');
}
