/**
 * The marks by which a shell reports its prompts and commands, inside its output. Pure: parser and encoder.
 *
 *   OSC 133 ; A ; cmdop=KEY            the prompt begins
 *   OSC 133 ; B                        the prompt ends (for other tools; without a key it proves nothing)
 *   OSC 133 ; A ; k=s                  a continuation prompt begins (likewise)
 *   OSC 633 ; E ; LINE ; KEY [; FLAG]  the command line as it was entered
 *   OSC 133 ; C ; cmdop=KEY            the command starts; its output follows
 *   OSC 133 ; D [; EXIT] ; cmdop=KEY   the command has ended; without EXIT none ran (Ctrl-C or Enter at the prompt)
 *   OSC 633 ; P ; Cwd=PATH ; KEY       the shell's folder
 *
 * KEY is `NONCE.COUNT`: the nonce is the session's, unknown to the programs it runs, and COUNT grows with every mark,
 * so that output which is printed once more counts for nothing. LINE and PATH escape backslash as `\\` and a semicolon
 * or control character as `\xHH`. FLAG is `withheld` (the user keeps this line out of the shell's history, LINE is empty)
 * or `unchanged` (the shell's history did not grow: LINE is its last entry, which this may be once more).
 * OSC 133 is read by other terminals' tools, 633 is VS Code's; both ignore what we add.
 */

export type MarkKey = { readonly nonce: string; readonly count: number };

export type ShellMark =
  | { readonly kind: 'prompt-start' }
  | { readonly kind: 'prompt-end' }
  | { readonly kind: 'continuation' }
  | { readonly kind: 'command-line'; readonly text: string; readonly flag: 'withheld' | 'unchanged' | null }
  | { readonly kind: 'command-start' }
  | { readonly kind: 'command-end'; readonly exitCode: number | null }
  | { readonly kind: 'cwd'; readonly path: string };

export type ParsedMark = { readonly mark: ShellMark; readonly key: MarkKey | null };

/** The mark in the OSC `code` with `payload` (what follows the first semicolon), or null if it is none. */
export function parseMark(code: number, payload: string): ParsedMark | null {
  const [letter, ...fields] = payload.split(';');
  if (code === 133) return parsePromptMark(letter, fields);
  if (code !== 633) return null;
  const [value = '', key = '', flag = ''] = fields;
  if (letter === 'E') {
    const known = flag === 'withheld' || flag === 'unchanged' ? flag : null;
    return { mark: { kind: 'command-line', text: unescapeText(value), flag: known }, key: parseKey(key) };
  }
  if (letter === 'P' && value.startsWith('Cwd=')) {
    return { mark: { kind: 'cwd', path: unescapeText(value.slice(4)) }, key: parseKey(key) };
  }
  return null;
}

/** The whole sequence for `mark`, as a shell prints it. */
export function encodeMark(mark: ShellMark, { nonce, count }: MarkKey): string {
  const key = `${nonce}.${count}`;
  switch (mark.kind) {
    case 'prompt-start':
      return osc(`133;A;cmdop=${key}`);
    case 'prompt-end':
      return osc('133;B');
    case 'continuation':
      return osc('133;A;k=s');
    case 'command-line':
      return osc(`633;E;${escapeText(mark.text)};${key}${mark.flag ? `;${mark.flag}` : ''}`);
    case 'command-start':
      return osc(`133;C;cmdop=${key}`);
    case 'command-end':
      return osc(mark.exitCode === null ? `133;D;cmdop=${key}` : `133;D;${mark.exitCode};cmdop=${key}`);
    case 'cwd':
      return osc(`633;P;Cwd=${escapeText(mark.path)};${key}`);
  }
}

function parsePromptMark(letter: string | undefined, fields: readonly string[]): ParsedMark | null {
  const key = parseKey(fields.find((field) => field.startsWith('cmdop='))?.slice(6) ?? '');
  switch (letter) {
    case 'A':
      return { mark: { kind: fields.includes('k=s') ? 'continuation' : 'prompt-start' }, key };
    case 'B':
      return { mark: { kind: 'prompt-end' }, key };
    case 'C':
      return { mark: { kind: 'command-start' }, key };
    case 'D':
      return { mark: { kind: 'command-end', exitCode: /^\d{1,10}$/.test(fields[0] ?? '') ? Number(fields[0]) : null }, key };
    default:
      return null;
  }
}

function parseKey(text: string): MarkKey | null {
  const match = /^([0-9A-Za-z]{8,64})\.(\d{1,15})$/.exec(text);
  return match?.[1] ? { nonce: match[1], count: Number(match[2]) } : null;
}

const osc = (text: string) => `\x1b]${text}\x07`;

const escapeText = (text: string) =>
  text.replace(/[\\;\x00-\x1f\x7f-\x9f]/g, (character) =>
    character === '\\' ? '\\\\' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );

const unescapeText = (text: string) =>
  text.replace(/\\(?:\\|x([0-9a-fA-F]{2}))/g, (_, hex?: string) => (hex ? String.fromCharCode(Number.parseInt(hex, 16)) : '\\'));
