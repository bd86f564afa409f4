/** Expressions that agents give: of RE2, since they are run here. */
import { RE2JS } from 're2js';
import { CmdopError } from '#protocol/errors.ts';
import type { Pattern } from '../sdk/matching.ts';

/** RE2 syntax: linear in time whatever the pattern, so that it can stall nothing. Throws `bad-request`. */
export function regexPattern(source: string): Pattern {
  try {
    const compiled = RE2JS.compile(source, RE2JS.MULTILINE);
    return (text) => {
      const matcher = compiled.matcher(text);
      return matcher.find() ? { at: matcher.start(), length: matcher.end() - matcher.start() } : null;
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CmdopError(
      'bad-request',
      `${JSON.stringify(source)} is no regular expression of RE2 (no lookaround, no back-references): ${why}`,
    );
  }
}
