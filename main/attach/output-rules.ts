/**
 * Which sequences of a program may reach a person's terminal: what draws, and what can be undone at the end. Pure.
 *
 * Not passed: questions (the host's own terminal answers them), the clipboard, and what reaches beyond the text or could
 * not be taken back: the window, printers, fonts, files, keyboard locks, other emulations and encodings. Lists of what is
 * allowed, since terminals know more sequences than anyone lists. Sources: xterm's ctlseqs, kitty's, iTerm2's and ConEmu's
 * documentation.
 */

/** `prefix|intermediates|final` of questions: attributes, status, modes, versions, kitty flags, checksums, the locator. */
const CSI_QUERIES = '||c >||c =||c ||n ?||n ||x |$|p ?|$|p >||q ?||u ?||S ?||m |*|y |$|w |"|v |&|u |#|R |\'||'.split(' ');
/** Printing, and what makes the terminal send where its locator is. */
const CSI_BEYOND_TEXT = "||i ?||i |'|z |'|{ |'|w".split(' ');
const CSI_DROPPED = new Set([...CSI_QUERIES, ...CSI_BEYOND_TEXT]);

/** Modes that draw or that the leaving of a session resets (terminal-modes.ts). Not: VT52, Tektronix, 132 columns, logging, key forms of others. */
const PRIVATE_MODES = new Set(
  [1, 5, 6, 7, 9, 12, 25, 45, 47, 66, 69, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1016].concat(1047, 1048, 1049, 2004, 2026, 2031, 2048),
);
/** Insert and newline; not the keyboard's lock, nor local echo. */
const ANSI_MODES = new Set([4, 20]);
/** The title's stack; the rest moves the window or reports. */
const WINDOW_OPERATIONS = new Set([22, 23]);

const MATTERS = new Uint8Array(256);
for (const kind of [...CSI_DROPPED, '||t', '||h', '||l']) MATTERS[kind.charCodeAt(kind.length - 1)] = 1;

/** Whether `allowedCsi` has to look at a CSI sequence; colours end as one question does, which has a `?`. */
export const mayMatter = (first: number, last: number) => MATTERS[last] === 1 && (last !== 0x6d || first === 0x3f);

/** What of a CSI sequence, without its introducer, is shown: all of it, less, or nothing. */
export function allowedCsi(sequence: string): string {
  const plain = sequence.replace(/[\x00-\x1f\x7f]/g, '');
  if (!mayMatter(plain.charCodeAt(0), plain.charCodeAt(plain.length - 1))) return sequence;
  const [, prefix = '', params = '', intermediates = '', final = ''] = /^([<-?]?)([0-9:;]*)([ -/]*)([@-~])$/.exec(plain) ?? [];
  if (final === '') return ''; // no terminal gives it a meaning
  if (CSI_DROPPED.has(`${prefix}|${intermediates}|${final}`)) return '';
  if (intermediates !== '') return sequence;
  if (final === 't' && prefix === '') return WINDOW_OPERATIONS.has(Number.parseInt(params, 10)) ? sequence : '';
  if ((final !== 'h' && final !== 'l') || (prefix !== '' && prefix !== '?')) return sequence;
  const known = prefix === '?' ? PRIVATE_MODES : ANSI_MODES;
  const asked = params.split(';');
  const allowed = asked.filter((mode) => known.has(Number(mode)));
  if (allowed.length === asked.length) return sequence;
  return allowed.length > 0 ? `${prefix}${allowed.join(';')}${final}` : '';
}

/** An escape sequence with intermediates, without its ESC: not other encodings, nor 8-bit controls from the keyboard. */
export const isAllowedEscape = (sequence: string) => !/^[ %]/.test(sequence);

export type StringKind = 'osc' | 'dcs' | 'other';
/** `wait`: it shows with what is still to come. */
export type Verdict = 'pass' | 'drop' | 'wait';

/** Title, colours, folder, link, notifications, pointer, marks of prompts. */
const OSC = new Set([0, 1, 2, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 104, 105, 133, 633, 777]);
for (let number = 110; number <= 119; number++) OSC.add(number);
/** Colours and pointer, where a `?` asks, and the notifications, among which ConEmu has its commands. */
const OSC_JUDGED_WHOLE = new Set([4, 5, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22]);

/** As early as possible, so that a picture is neither held nor cut; `isWhole`: nothing is still to come. */
export function judgeString(kind: StringKind, body: string, isWhole: boolean): Verdict {
  const text = body.replace(/[\x00-\x1f\x7f]/g, ''); // terminals skip them also within a number
  if (kind === 'dcs') return judgeDcs(text, isWhole);
  if (kind === 'other') return 'drop'; // kitty's pictures, screen's messages and commands: the host's own terminal knows none
  const number = /^(\d{0,9})(;|$)/.exec(text);
  if (!number || (isWhole && number[1] === '')) return 'drop';
  if (number[2] === '' && !isWhole) return 'wait';
  if (!OSC.has(Number(number[1]))) return 'drop';
  if (!OSC_JUDGED_WHOLE.has(Number(number[1]))) return 'pass';
  if (!isWhole) return 'wait';
  const values = text.split(';').slice(1);
  if (Number(number[1]) === 9) return /^\d+$/.test(values[0] ?? '') && values[0] !== '4' ? 'drop' : 'pass';
  return values.some((value) => value.startsWith('?') || value.endsWith('?')) ? 'drop' : 'pass';
}

/** Sixel pictures; not keys, fonts, questions, or what tmux hands on unseen. */
function judgeDcs(text: string, isWhole: boolean): Verdict {
  const intro = /^[0-9;]*([^0-9;])/.exec(text);
  if (!intro) return isWhole ? 'drop' : 'wait';
  return intro[1] === 'q' ? 'pass' : 'drop';
}
