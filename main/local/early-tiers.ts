/** Has V8 compile for speed what runs seldom: a person's keys. */
import { setFlagsFromString } from 'node:v8';

/**
 * A function is compiled well after so few calls (V8: 400 and 3 000), and after so few without a new type in it (500): those
 * defaults are for what runs in loops. Somebody who types reaches them after minutes, and until then every key is
 * interpreted. A V8 that does not know one of them goes on without it.
 */
const TIERS = ['--invocation-count-for-maglev=10', '--invocation-count-for-turbofan=100', '--minimum-invocations-after-ic-update=10'];

/** For what a key goes through, as its program begins: whatever else ran before counts as it did. */
export function compileEarly(): void {
  for (const flag of TIERS) setFlagsFromString(flag);
}
