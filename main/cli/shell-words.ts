/** A command as a line that a shell takes apart into the same words again. Pure. */
import { basename } from 'node:path';

/** Characters that no shell treats specially inside a word. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** One word is a line already, typed as it is; several are quoted so that they arrive as given. */
export function commandLine(words: readonly string[], shell: string): string {
  if (words.length === 1) return words[0] ?? '';
  const isFish = basename(shell).replace(/^-/, '').startsWith('fish');
  return words.map((word) => quoted(word, isFish)).join(' ');
}

function quoted(word: string, isFish: boolean): string {
  if (PLAIN.test(word)) return word;
  // fish reads \\ inside single quotes as one backslash; other shells read both.
  const text = isFish ? word.replaceAll('\\', '\\\\') : word;
  return `'${text.replaceAll("'", "'\\''")}'`;
}
