/** What a person reads of an approval: the same words for the same thing, alike ones as one, and nothing that hides. */
import { expect, test } from 'vitest';
import { approval as shape } from '#protocol/approvals.ts';
import { printable } from '../../main/attach/cells.ts';
import { decisionText, groupApprovals, shownPieces, timeLeft, wishText } from '../../renderer/text/approval-text.ts';
import { commandText } from '../../renderer/text/format.ts';

const actor = { id: 'a1', name: 'fixer', kind: 'agent', interface: 'mcp', color: 1 };

function approval(change: object) {
  return shape.parse({
    id: 1,
    session: 's1',
    sessionName: 'demo',
    actor,
    kind: 'command',
    text: 'make\r',
    shown: 'make‹Enter›',
    folder: '/src',
    program: null,
    reason: null,
    seen: [],
    rule: null,
    offer: null,
    alike: 1,
    choices: [],
    askedAt: 0,
    expiresAt: 300_000,
    state: 'pending',
    decidedBy: null,
    decidedAt: null,
    answer: null,
    edited: null,
    ...change,
  });
}

test('what repeats is one group; another folder, reason or actor is another; each question stands alone', () => {
  const all = [
    approval({ id: 1 }),
    approval({ id: 2 }),
    approval({ id: 3, folder: '/other' }),
    approval({ id: 4, reason: 'to see' }),
    approval({ id: 5, actor: { ...actor, id: 'a2' } }),
    approval({ id: 6, kind: 'question', text: 'Why?' }),
    approval({ id: 7, kind: 'question', text: 'Why?' }),
    approval({ id: 8 }),
  ];
  expect(groupApprovals(all).map((group) => group.map(({ id }) => id))).toEqual([[1, 2, 8], [3], [4], [5], [6], [7]]);
});

test('what does not show is named, and the same name typed out is not mistaken for it', () => {
  expect(shownPieces('a‹Enter›\u202eb\r')).toEqual([
    { text: 'a‹Enter›', isEscape: false },
    { text: '‹U+202E›', isEscape: true },
    { text: 'b', isEscape: false },
    { text: '‹Enter›', isEscape: true },
  ]);
});

test.each([
  [{}, 'waits'],
  [{ state: 'approved', decidedBy: { ...actor, name: 'ann' } }, 'approved by ann'],
  [{ state: 'approved', decidedBy: { ...actor, name: 'ann' }, edited: 'ls' }, 'approved by ann, as ls'],
  [{ state: 'rejected', decidedBy: { ...actor, name: 'ann' }, answer: 'no\u0007' }, 'rejected by ann: no‹^G›'],
  [{ state: 'expired' }, 'not answered in time'],
  [{ state: 'withdrawn', answer: 'the folder changed' }, 'withdrawn: the folder changed'],
  [{ kind: 'question', state: 'approved', decidedBy: { ...actor, name: 'ann' }, answer: 'next' }, 'answered by ann: next'],
])('%o reads: %s', (change, text) => {
  expect(decisionText(approval(change))).toBe(text);
});

test('a program that an agent types into is named without what would hide in its name', () => {
  expect(wishText(approval({ kind: 'keys', program: 'vi\u202em' }))).toBe('wants to type into vi‹U+202E›m');
});

test('the time left counts down and ends at nothing', () => {
  expect([timeLeft(305_000, 0), timeLeft(60_000, 1), timeLeft(1_000, 999), timeLeft(0, 5_000)]).toEqual(['5:05', '1:00', '0:01', '0:00']);
});

test('in lists of commands nothing hides either, in the app or at a terminal; pictures and other scripts stay as they are', () => {
  const text = 'touch "a\u202eb\u200b" &&\n\tls # 👩‍💻 שלום é';
  expect(commandText({ text })).toBe('touch "a‹U+202E›b‹U+200B›" &&  ls # 👩‹U+200D›💻 שלום é');
  expect(printable(text)).toBe('touch "a�b�" &&  ls # 👩‍💻 שלום é');
});
