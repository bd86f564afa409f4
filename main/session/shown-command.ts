/** Commands as lists show them: control characters written out, and no longer than anybody reads. Pure. */
import { shownText } from './shown-text.ts';

/** Of one command, characters: hundreds of them fit an answer. */
const MAX_CHARACTERS = 1000;

/** A command line of the system's. Its blanks stay blanks, since what is before the first one is the program. */
export function shownCommandLine(line: string): string {
  const begin = line.slice(0, MAX_CHARACTERS + 1).replaceAll(/\s/g, ' ');
  return clipped(shownText(begin.toWellFormed()), MAX_CHARACTERS);
}

/** The words of a command; `…` at the end where there is more. */
export function shownCommand(words: readonly string[]): string[] {
  const shown: string[] = [];
  let left = MAX_CHARACTERS;
  for (const word of words) {
    // An empty word costs a frame something as well.
    if (left <= 0) return [...shown, '…'];
    const text = clipped(shownText(word.slice(0, left + 1).toWellFormed()), left);
    shown.push(text);
    left -= text.length + 1;
  }
  return shown;
}

const clipped = (text: string, most: number) => (text.length > most ? `${text.slice(0, most)}…`.toWellFormed() : text);
