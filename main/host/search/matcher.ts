/** What a search looks for, as a test of one line. Pure; in time that grows with the line alone, whatever is asked. */
import { RE2JS } from 're2js';
import { CmdopError } from '#protocol/errors.ts';

export type Sought = { readonly text: string; readonly regex: boolean; readonly ignoreCase: boolean };

/** Matches shown of one line. */
const MAX_RANGES = 16;

export interface Matcher {
  /** Places of matches in a line, at most so many: from and to. */
  rangesIn(line: string): [number, number][];
  /** Index of the next match at or behind `from` in a text of many lines, or −1; may tell of too many, never of too few. */
  next(text: string, from: number): number;
}

/** Throws `bad-request` for an expression that is none. */
export function newMatcher(sought: Sought): Matcher {
  return sought.regex ? expression(sought) : literal(sought);
}

function literal({ text, ignoreCase }: Sought): Matcher {
  // An escaped text has no choices, so that JavaScript's own engine takes no longer than RE2, and is faster.
  const pattern = new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), ignoreCase ? 'giu' : 'gu');
  return {
    rangesIn: (line) => found(() => pattern.exec(line), pattern),
    next(all, from) {
      if (!ignoreCase) return all.indexOf(text, from);
      pattern.lastIndex = from;
      return pattern.exec(all)?.index ?? -1;
    },
  };
}

function found(exec: () => RegExpExecArray | null, pattern: RegExp): [number, number][] {
  const ranges: [number, number][] = [];
  pattern.lastIndex = 0;
  for (let match = exec(); match && ranges.length < MAX_RANGES; match = exec()) ranges.push([match.index, match.index + match[0].length]);
  return ranges;
}

function expression({ text, ignoreCase }: Sought): Matcher {
  const pattern = compiled(text, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  return {
    rangesIn(line) {
      const matcher = pattern.matcher(line);
      const ranges: [number, number][] = [];
      while (ranges.length < MAX_RANGES && matcher.find()) ranges.push([matcher.start(), matcher.end()]);
      return ranges;
    },
    next(all, from) {
      // Line by line: what spans two lines is no match, and `^` and `$` mean the line's.
      for (let at = from; at <= all.length; ) {
        const end = all.indexOf('\n', at);
        const stop = end < 0 ? all.length : end;
        // Of a terminal's line end only the second half ends a line here.
        const matcher = pattern.matcher(all.slice(at, all[stop - 1] === '\r' ? stop - 1 : stop));
        if (matcher.find()) return at + matcher.start();
        at = stop + 1;
      }
      return -1;
    },
  };
}

function compiled(text: string, flags: number): RE2JS {
  try {
    return RE2JS.compile(text, flags);
  } catch (error) {
    throw new CmdopError('bad-request', `"${text}" is no regular expression (${(error as Error).message}): RE2's syntax is understood`);
  }
}
