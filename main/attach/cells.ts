/** Text for a terminal that somebody else chose: what of it may be shown, and how many cells it takes. Pure. */

/** Controls, what turns the direction of a text, and what hides in it: blanks of no width, tags, line ends of their own. */
const NOT_SHOWN =
  /[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/** A name, a title or a command from elsewhere must neither move our cursor nor look like another one. */
export const printable = (text: string) => text.replace(NOT_SHOWN, (hidden) => (hidden === '\t' || hidden === '\n' ? ' ' : '�'));

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
