/** Named keys as the bytes that a terminal sends for them. Pure. */
import { CmdopError } from '#protocol/errors.ts';

const SIMPLE: Readonly<Record<string, string>> = {
  enter: '\r',
  tab: '\t',
  escape: '\x1b',
  esc: '\x1b',
  space: ' ',
  backspace: '\x7f',
  delete: '\x1b[3~',
  insert: '\x1b[2~',
  pageup: '\x1b[5~',
  pagedown: '\x1b[6~',
  'shift+tab': '\x1b[Z',
};
/** Final letters of the cursor keys, after `ESC [` or, in application mode, `ESC O`. */
const CURSOR: Readonly<Record<string, string>> = { up: 'A', down: 'B', right: 'C', left: 'D', home: 'H', end: 'F' };
const FUNCTION = ['OP', 'OQ', 'OR', 'OS', '[15~', '[17~', '[18~', '[19~', '[20~', '[21~', '[23~', '[24~'];
const MODIFIERS: Readonly<Record<string, number>> = { shift: 1, alt: 2, ctrl: 4 };

export const KEY_NAMES =
  'Enter, Tab, Shift+Tab, Escape, Space, Backspace, Delete, Insert, Up, Down, Left, Right, Home, End, PageUp, PageDown, F1…F12, Ctrl+<letter or [ ] \\ ^ _ Space>, Alt+<character>, and Shift/Alt/Ctrl with a cursor key';

/** True if what a key sends depends on the terminal's mode. */
export const isCursorKey = (key: string) => /(up|down|left|right|home|end)$/i.test(key) && !/page/i.test(key);

/** Throws `bad-request` with what is possible. */
export function keyBytes(key: string, { applicationCursorKeys }: { applicationCursorKeys: boolean }): string {
  const name = key
    .trim()
    .toLowerCase()
    .replaceAll(/\s*[+-]\s*(?=.)/g, '+');
  const simple = SIMPLE[name];
  if (simple !== undefined) return simple;
  const fn = /^f(\d{1,2})$/.exec(name)?.[1];
  const fnBytes = fn === undefined ? undefined : FUNCTION[Number(fn) - 1];
  if (fnBytes !== undefined) return `\x1b${fnBytes}`;
  const parts = name.split('+');
  const last = parts.pop() ?? '';
  const modifier = parts.reduce((sum, part) => sum + (MODIFIERS[part] ?? Number.NaN), 0);
  const cursor = CURSOR[last];
  if (cursor !== undefined && !Number.isNaN(modifier)) {
    if (modifier > 0) return `\x1b[1;${modifier + 1}${cursor}`;
    return `\x1b${applicationCursorKeys ? 'O' : '['}${cursor}`;
  }
  if (parts.length === 1 && parts[0] === 'ctrl') {
    const code = last === 'space' ? 0 : controlCode(last);
    if (code !== null) return String.fromCharCode(code);
  }
  const plain = key.trim().slice(-1);
  if (parts.length === 1 && parts[0] === 'alt' && [...last].length === 1) return `\x1b${plain}`;
  throw new CmdopError('bad-request', `${JSON.stringify(key)} is no key: use ${KEY_NAMES}; what is to be typed as it is goes into text`);
}

function controlCode(character: string): number | null {
  if (/^[a-z]$/.test(character)) return character.charCodeAt(0) - 0x60;
  const index = '@[\\]^_'.indexOf(character);
  if (character === '' || index < 0) return null;
  return index === 0 ? 0 : 0x1a + index;
}
