/** What a server says, made fit to be shown: without control characters that would move a terminal's cursor, and bounded. Pure. */

/** Longest that is shown, characters: more than any prompt or banner needs. */
const MAX_CHARACTERS = 4_096;

export function plainText(text: string): string {
  const shown = text
    .replace(/\r\n?/g, '\n')
    .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
    .trim();
  return shown.length > MAX_CHARACTERS ? `${shown.slice(0, MAX_CHARACTERS)}…` : shown;
}
