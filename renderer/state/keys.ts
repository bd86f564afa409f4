/** The window's keys: they come before the terminal's, and only these do. */
import { platform } from '../platform/platform.ts';
import { giveTerminalKeys, isKeyboardPromised, passKey } from './actions.ts';
import { COMMANDS, isUsable } from './commands.ts';
import { keyOf } from './key-name.ts';
import { app } from './store.ts';

export function listenToKeys(): void {
  const byKey = new Map(COMMANDS.flatMap((command) => command.keys.map((key) => [key, command] as const)));
  window.addEventListener(
    'keydown',
    (event) => {
      const command = byKey.get(keyOf(event, platform.isMac));
      if (!command && event.target === document.body) {
        if (isText(event)) giveTerminalKeys();
        // The terminal acts on such a key itself, so that the browser would bring it nothing.
        else if (isKeyboardPromised() && !event.repeat && passKey(event)) return event.preventDefault();
      }
      if (!command || app.get().dialog !== null || app.get().questions.length > 0) return;
      // Without leave to read the clipboard, the browser's own paste event brings the text.
      if (command.id === 'paste' && !platform.canReadClipboard) return;
      if (command.id === 'copy' && isEditing(event.target)) return;
      event.preventDefault();
      event.stopPropagation();
      if (isUsable(command)) command.run();
    },
    { capture: true },
  );
}

/**
 * Typed while nothing has the keyboard, as in the moments after a tab was chosen or an empty place was clicked: the terminal
 * gets the keyboard, and with it the character of the key that is still on its way.
 */
function isText({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  return key.length === 1 && !ctrlKey && !metaKey && !altKey;
}

/** A text field of ours, not the hidden one of the terminal. */
function isEditing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea') && !target.classList.contains('xterm-helper-textarea');
}
