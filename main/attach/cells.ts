/** Text for a terminal that somebody else chose: what of it may be shown, and how many cells it takes. Pure. */

/** A name or title from elsewhere must not move our cursor. */
export const printable = (text: string) =>
  text.replace(/[\x00-\x1f\x7f-\x9f]/g, (control) => (control === '\t' || control === '\n' ? ' ' : '�'));

/** Cells a text takes: 2 for wide characters, 0 for combining ones (close enough for a table). */
export function cellWidth(text: string): number {
  let cells = 0;
  for (const character of text) {
    if (/[\p{Mark}\p{Format}]/u.test(character)) continue;
    cells += WIDE.test(character) ? 2 : 1;
  }
  return cells;
}

/** East Asian wide and fullwidth blocks, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
