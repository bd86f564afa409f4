/** How people write cmdop's own keys while attached. Pure. */
import { controlKey, type Key } from '../attach/keys.ts';
import { UsageError } from './exit-codes.ts';

/** `ctrl-\`, `C-]`, `^^`, `ctrl-space`. Only Ctrl with another key, since everything else is typed. Throws UsageError. */
export function parseKey(text: string): Key {
  const match = /^(?:ctrl[-+]|c-|\^)(.|space)$/i.exec(text.trim());
  const given = match?.[1]?.toLowerCase();
  const key = given === undefined ? null : controlKey(given === 'space' ? ' ' : given);
  if (key === null) {
    throw new UsageError(`"${text}" is no key for this: write ctrl- and one of a–z, \\, ], ^, _ or space, such as ctrl-]`);
  }
  const lost = RESERVED.get(key.forms[0] ?? '');
  if (lost) throw new UsageError(`"${text}" cannot be used: programs would lose ${lost}`);
  return key;
}

/** Keys without which no program can be used. */
const RESERVED = new Map([
  ['\x03', 'Ctrl-C'],
  ['\r', 'Enter'],
  ['\t', 'Tab'],
  ['\x1b', 'Escape'],
]);
