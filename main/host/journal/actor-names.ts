/** What people call an actor: one line, no control characters, no direction marks that would dress it up as another. Pure. */

/** Never empty. */
export function cleanName(name: string): string {
  return name.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '').trim() || 'someone';
}

/** Whether two names would be taken for one by who reads them. */
export const isSameName = (a: string, b: string): boolean => folded(a) === folded(b);

const folded = (name: string) => cleanName(name).normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ');
