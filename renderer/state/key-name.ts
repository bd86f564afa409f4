/** What a pressed key is called in the table of commands. Pure. */

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
