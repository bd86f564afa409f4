/** The window's keys: they come before the terminal's, and only these do. */
import { platform } from '../platform/platform.ts';
import { COMMANDS } from './commands.ts';
import { app } from './store.ts';

/** `Ctrl+Shift+T` for an event, with Cmd for Ctrl on a Mac, where Ctrl belongs to the terminal. */
export function keyOf(
  event: { key: string; code: string; ctrlKey: boolean; metaKey: boolean; shiftKey: boolean; altKey: boolean },
  isMac: boolean,
): string {
  const isTab = event.key === 'Tab';
  const hasModifier = isMac && !isTab ? event.metaKey : event.ctrlKey;
  const digitOrSign = /^(Digit0|Minus|Equal)$/.test(event.code) ? { Digit0: '0', Minus: '-', Equal: '=' }[event.code] : undefined;
  const letter = /^[a-z]$/i.test(event.key) ? event.key.toUpperCase() : event.key;
  return [hasModifier && 'Ctrl', event.altKey && 'Alt', event.shiftKey && 'Shift', digitOrSign ?? letter].filter(Boolean).join('+');
}

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
