/** What is told of the way by which a client came, and by whom it is told. */
import { type Origin, origin } from '#protocol/shapes.ts';
import { cleanName } from './journal/actor-names.ts';

/** Of an ORIGIN frame. `isClaimed`: it came by the socket for guests, where it is their own word, whatever carried it there. */
export function originIn(json: string, { isClaimed }: { isClaimed: boolean }): Origin | null {
  const told = origin.safeParse(parsed(json)).data;
  if (!told) return null;
  const { kind, from, user, key } = told;
  const shown = {
    kind,
    ...(from === undefined ? {} : { from: cleanName(from) }),
    ...(user === undefined ? {} : { user: cleanName(user) }),
    ...(key === undefined ? {} : { key: cleanName(key) }),
  };
  return isClaimed ? { ...shown, isClaimed } : shown;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // then nothing is told
  }
}
