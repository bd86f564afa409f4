/** The comparison that keeps later builds compatible finds what would break an older client, and lets additions pass. */
import { expect, test } from 'vitest';
import { difference } from './transcripts.ts';

const THEN = { mode: 'resume', offset: 14, pid: 7, control: { epoch: 1, holder: null }, events: [{ seq: 1, kind: 'attach' }], refused: [] };

test('what was added, what differs from run to run, and lists that are open are no difference', () => {
  const now = { ...THEN, pid: 8, isNew: true, control: { epoch: 1, holder: { name: 'ann' }, mode: 'turns' } };
  expect(difference(THEN, { ...now, events: [{ seq: 9, kind: 'input', more: 1 }, { seq: 10 }] })).toBeNull();
});

test.each([
  [{ mode: undefined }, '.mode is undefined, not a string'],
  [{ mode: 'snapshot' }, '.mode is "snapshot", not "resume"'],
  [{ pid: '7' }, '.pid is "7", not a number'],
  [{ control: { holder: null } }, '.control.epoch is missing'],
  [{ events: [{ seq: 1 }] }, '.events[0].kind is missing'],
  [{ events: [] }, '.events[0] is undefined, not an object'],
  [{ refused: [1] }, '.refused has 1 entries, not 0'],
])('%j is a difference', (change, why) => {
  expect(difference(THEN, { ...THEN, ...change })).toBe(why);
});
