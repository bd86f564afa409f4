/** Patterns of OpenSSH's files: `*` and `?`, lists of them, and `!` in front for all but these. Pure. */

/** Whole and case-sensitive: callers lower what has no case, as host names. */
export function matchesPattern(text: string, pattern: string): boolean {
  // Not a regular expression: a pattern with many stars must not take for ever.
  let at = 0;
  let from = 0;
  let star = -1;
  let retry = 0;
  while (at < text.length) {
    const sign = pattern[from];
    if (sign === '*') {
      star = from++;
      retry = at;
    } else if (sign !== undefined && (sign === '?' || sign === text[at])) {
      from++;
      at++;
    } else if (star >= 0) {
      from = star + 1;
      at = ++retry;
    } else {
      return false;
    }
  }
  while (pattern[from] === '*') from++;
  return from === pattern.length;
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
