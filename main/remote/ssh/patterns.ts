/** Patterns of OpenSSH's files: `*` and `?`, lists of them, and `!` in front for all but these. Pure. */

/** What may stand at one place of a text. */
export type Sign = 'any number' | ((letter: string) => boolean);

/** Whole and case-sensitive: callers lower what has no case, as host names. */
export function matchesPattern(text: string, pattern: string): boolean {
  return matchesSigns(text, pattern.split('').map(signFor));
}

/** Not a regular expression: a pattern with many stars must not take for ever. */
export function matchesSigns(text: string, signs: readonly Sign[]): boolean {
  let at = 0;
  let from = 0;
  let star = -1;
  let retry = 0;
  while (at < text.length) {
    const sign = signs[from];
    if (sign === 'any number') {
      star = from++;
      retry = at;
    } else if (sign?.(text[at] ?? '')) {
      from++;
      at++;
    } else if (star >= 0) {
      from = star + 1;
      at = ++retry;
    } else {
      return false;
    }
  }
  while (signs[from] === 'any number') from++;
  return from === signs.length;
}

function signFor(letter: string): Sign {
  if (letter === '*') return 'any number';
  return letter === '?' ? () => true : (other) => other === letter;
}

/** A list matches if one of its patterns does and none of its negated ones does. */
export function matchesList(text: string, patterns: readonly string[]): boolean {
  let isMatched = false;
  for (const pattern of patterns) {
    const isNegated = pattern.startsWith('!');
    if (!matchesPattern(text, isNegated ? pattern.slice(1) : pattern)) continue;
    if (isNegated) return false;
    isMatched = true;
  }
  return isMatched;
}
