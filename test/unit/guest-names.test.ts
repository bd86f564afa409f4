/** What a guest may be called: names that hide something or look like somebody else's are refused, those of the world are not. */
import { describe, expect, test } from 'vitest';
import { newActorId, type SessionId } from '#protocol/ids.ts';
import { cleanName, isSameName } from '../../main/host/journal/actor-names.ts';
import { nameCheck } from '../../main/host/sharing/guest-names.ts';

const session = { id: 'bcdfghjkmn' as SessionId, name: 'build' };
/** Why somebody cannot be called `name` where `others` have been, or null. */
function why(name: string, others: string[] = ['ann']): string | null {
  const actors = others.map((other) => ({
    id: newActorId((n) => new Uint8Array(n)),
    name: other,
    kind: 'human' as const,
    interface: 'cli' as const,
    color: 0,
  }));
  try {
    nameCheck({ invites: { all: () => [], isLive: () => false }, records: { actors: () => actors } })(name, session, null);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a guest’s name', () => {
  test.each([
    'fe0f',
    '34f',
    '3164',
    '115f',
    '1160',
    '180b',
    '2800',
    'ad',
    '200b',
    '200d',
    '202e',
    '2066',
    'ffa0',
    'e0100',
    'e0041',
    '2028',
    '0',
    '1b',
    '9b',
    'feff',
    '61c',
    '2065',
    'd800',
    'e000',
    'a0',
    '200a',
    '3000',
  ])('with U+%s in it hides something', (hex) => {
    const hidden = String.fromCodePoint(Number.parseInt(hex, 16));
    for (const name of [`ann${hidden}`, `b${hidden}ob`, `${hidden}carl`]) expect(why(name)).toContain('characters that nobody sees');
  });

  test.each([
    ['а of Cyrillic', 'аnn', 'Latin and Cyrillic'],
    ['ο of Greek', 'bοb', 'Latin and Greek'],
    ['օ of Armenian', 'bօb', 'Latin and Armenian'],
    ['Ꭺ of Cherokee', 'Ꭺnn', 'Latin and Cherokee'],
    ['a Greek letter of mathematics', 'b𝛐b', 'Latin and Greek'],
    ['Greek in Cyrillic', 'Aннα', 'Latin and Cyrillic and Greek'],
  ])('mixes scripts with %s', (_what, name, scripts) => expect(why(name, [])).toContain(`mixes ${scripts} letters`));

  test.each([
    ['ann', 'ANN'],
    ['ann', 'ａｎｎ'],
    ['ann', '𝐚𝐧𝐧'],
    ['ann', 'ɑnn'],
    ['sasha', 'ѕаѕһа'],
    ['cope', 'соре'],
    ['ANTON', 'АΝТОΝ'.replaceAll('Ν', 'N')],
    ['nikos', 'nıkos'],
    ['TOM', 'ТОМ'],
    ['KATE', 'ΚΑΤΕ'],
    ['ava', 'ανα'],
    ['bob', 'b0b'],
    ['alice', 'aIice'],
    ['alice', 'a1ice'],
    ['Mina', 'rnina'],
    ['ann smith', 'Ann  Smith'],
  ])('for %s is not %s', (theirs, name) => {
    expect(isSameName(theirs, name)).toBe(true);
    expect(why(name, ['zoe', theirs])).toMatch(/looks like, what somebody who works here is called|mixes/);
  });

  test.each([
    'bob',
    'Zoë',
    'Łukasz',
    'Анна',
    'Νίκος',
    'Արամ',
    '山田 太郎',
    'さくら',
    'ann-marie',
    "o'neill",
    'נועה',
    'สมชาย',
    '김철수',
    'team 7',
    '🦊',
  ])('may be %s', (name) => expect(why(name)).toBeNull());

  test('of others is shown without what nobody sees', () => {
    expect(cleanName(' a\u202en\u2800n\ufe0f\u3164\u00a0b ')).toBe('ann b');
    expect(cleanName('\u3164\u115f')).toBe('someone');
  });
});
