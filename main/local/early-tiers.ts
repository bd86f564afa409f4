/** Has V8 compile for speed what runs seldom: a person's keys. */
import { setFlagsFromString } from 'node:v8';

/**
 * A function is compiled well after so few calls (V8: 400 and 3 000), and after so few without a new type in it (500): those
 * defaults are for what runs in loops. Somebody who types reaches them after minutes, and until then every key is
 * interpreted.
 */
const TIERS = ['--invocation-count-for-maglev=10', '--invocation-count-for-turbofan=100', '--minimum-invocations-after-ic-update=10'];

/** Whose flags these are: another would complain on the terminal of one that it does not know. */
const KNOWN_V8 = '13.';

/** For what a key goes through, where V8 can; what ran before it counts as it did. */
export function compileEarly(): void {
  if (!process.versions.v8.startsWith(KNOWN_V8)) return;
  for (const flag of TIERS) setFlagsFromString(flag);
}
