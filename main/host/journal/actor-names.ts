/** What people call an actor: one line, no character that nobody sees or that would dress it up as another. Pure. */
import { appearances } from './look-alikes.ts';

/** Controls, direction marks, fillers, variation selectors, what has no place in a text of others, and the empty Braille cell. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu;
/** Blanks of all widths, down to none that an eye would notice. */
const BLANK = /\p{Zs}/gu;

/** Never empty. */
export function cleanName(name: string): string {
  return name.replaceAll(UNSEEN, '').replaceAll(BLANK, ' ').trim() || 'someone';
}

/** Whether two names would be taken for one by who reads them. */
export function isSameName(a: string, b: string): boolean {
  const others = appearances(cleanName(b));
  return appearances(cleanName(a)).some((appearance) => others.includes(appearance));
}
