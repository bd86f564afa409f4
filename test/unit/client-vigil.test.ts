/** A client that vanished without a word is given up; one that is only slow, quiet, hidden or held back is not. */
import { expect, test } from 'vitest';
import { ClientVigil, LOOK_EVERY_MS } from '#session/client-vigil.ts';

const look = { queuedBytes: 0, isHeld: false, sinceLastMs: LOOK_EVERY_MS };

const heard = (vigil: ClientVigil) => {
  vigil.heard();
  return {};
};
const sent = (vigil: ClientVigil, bytes: number) => {
  vigil.sent(bytes);
  return {};
};

/** Seconds until it is given up, or null if that does not happen within ten minutes. */
function givenUpAfter(step: (vigil: ClientVigil, second: number) => Partial<typeof look>): number | null {
  const vigil = new ClientVigil();
  for (let second = 5; second <= 600; second += 5) if (vigil.isGone({ ...look, ...step(vigil, second) })) return second;
  return null;
}

test('whoever takes no byte and says nothing for a minute is gone', () => {
  const seconds = givenUpAfter((vigil, second) => {
    if (second === 5) vigil.sent(300_000);
    return { queuedBytes: 100_000 };
  });
  expect(seconds).toBe(65);
});

test('whoever is not spoken to and does not ping for three minutes is gone', () => {
  expect(givenUpAfter(() => ({}))).toBe(180);
});

test.each<[string, Parameters<typeof givenUpAfter>[0]]>([
  ['pings', (vigil) => heard(vigil)],
  [
    'takes 10 kB a second of what is sent',
    (vigil, second) => {
      if (second === 5) vigil.sent(8_000_000);
      return { queuedBytes: 8_000_000 - second * 10_000 };
    },
  ],
  ['is spoken to and takes it, and so has no reason to ping', (vigil) => sent(vigil, 200)],
  ['is a hidden page that pings once a minute', (vigil, second) => (second % 60 === 0 ? heard(vigil) : {})],
  [
    'floods input and is not read',
    (vigil) => {
      vigil.sent(10);
      return { queuedBytes: 500, isHeld: true };
    },
  ],
])('a client that %s stays', (_name, step) => {
  expect(givenUpAfter(step)).toBeNull();
});

test('a machine that slept counts anew, for nobody could be heard', () => {
  const seconds = givenUpAfter((_vigil, second) => ({ sinceLastMs: second === 175 ? 8 * 3_600_000 : LOOK_EVERY_MS }));
  expect(seconds).toBe(175 + 180);
});
