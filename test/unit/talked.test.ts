/** What was said, in a window: the journal's part and what comes, each once and in order, and without a hidden hole. */
import { describe, expect, test } from 'vitest';
import type { Talked } from '#protocol/guests.ts';
import type { ActorId } from '#protocol/ids.ts';
import { type Conversation, MAX_KEPT, NOTHING_SAID, oldestOf, withEarlier, withNewest, withNews } from '../../renderer/state/talked.ts';

const by = { id: 'a' as ActorId, name: 'ann', kind: 'human', interface: 'cli', color: 0 } as const;
const at = (seq: number): Talked => ({ seq, at: seq, by, text: `${seq}`, pointed: null });
const talk = (seqs: readonly number[], more = false) => ({ talked: seqs.map(at), more });
const seqs = ({ talked }: { talked: readonly Talked[] }) => talked.map(({ seq }) => seq);

describe('the journal’s newest', () => {
  test('and what was told before the answer came are each shown once', () => {
    const live = withNews(withNews(NOTHING_SAID, at(5)), at(6));
    const all = withNewest(live, talk([2, 3, 5], true));
    expect([seqs(all), all.more]).toEqual([[2, 3, 5, 6], true]);
    expect(seqs(withNews(all, at(6)))).toEqual([2, 3, 5, 6]);
  });

  test('after an absence close the hole, or begin anew where one may be left', () => {
    const before = talk([1, 2, 3]);
    expect(seqs(withNewest(before, talk([3, 4, 5], true)))).toEqual([1, 2, 3, 4, 5]);
    const far = withNewest(before, talk([8, 9], true));
    expect([seqs(far), far.more]).toEqual([[8, 9], true]);
    const all = withNewest(before, talk([1, 2, 3, 8], false));
    expect([seqs(all), all.more]).toEqual([[1, 2, 3, 8], false]);
  });

  test('of an empty journal change nothing', () => expect(withNewest(talk([4]), talk([]))).toEqual(talk([4])));
});

test('an earlier page goes before, and says whether there are more', () => {
  const paged = withEarlier(talk([5, 6], true), talk([3, 4, 5], false));
  expect([seqs(paged), paged.more, oldestOf(paged)]).toEqual([[3, 4, 5, 6], false, 3]);
});

test('what an older host tells without a place is kept as it comes', () => {
  const live = withNews(withNews(NOTHING_SAID, at(-1)), at(-2));
  expect([seqs(live), oldestOf(live)]).toEqual([[-1, -2], undefined]);
});

test('of very many the newest are kept, and that there are more is not forgotten', () => {
  let all: Conversation = talk([1]);
  for (let seq = 2; seq <= MAX_KEPT + 10; seq++) all = withNews(all, at(seq));
  expect([all.talked.length, all.more, oldestOf(all)]).toEqual([MAX_KEPT, true, 11]);
});
