/** What a guest may be called: nothing that is, or looks like, what somebody else here is called, also while they are away. */
import { CmdopError } from '#protocol/errors.ts';
import { cleanName, isSameName } from '../journal/actor-names.ts';
import { scriptsIn } from '../journal/look-alikes.ts';
import type { Records } from '../journal/records.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import type { Invites } from './invites.ts';

type Known = { invites: Pick<Invites, 'all' | 'isLive'>; records: Pick<Records, 'actors'> };
type Session = Pick<LiveSession, 'id' | 'name'>;

/** `key`: of the guest, where it is known already. Throws `bad-request` for a name that nobody can have, and `name-taken`. */
export type NameCheck = (name: string, session: Session, key: { fingerprint: string } | null) => void;

export function nameCheck({ invites, records }: Known): NameCheck {
  return (name, session, key) => {
    mustBePlain(name);
    const alike = invites.all().filter((each) => each.session === session.id && isSameName(each.name, name));
    const invited = alike.find((each) => invites.isLive(each));
    if (invited)
      throw new CmdopError(
        'name-taken',
        `${invited.name} is invited to ${session.name} already: \`cmdop revoke ${invited.id}\` first, or choose another name`,
      );
    // Whose invite is over may come again under their name, and nobody else whose key says that they are another.
    const former = key && alike.find((each) => each.key !== null && each.key !== key.fingerprint);
    if (former)
      throw new CmdopError(
        'name-taken',
        `${former.name} was a guest of ${session.name} with another key, ${former.key}: choose another name for this one`,
      );
    for (const actor of records.actors()) {
      if (actor.guest === undefined && isSameName(actor.name, name))
        throw new CmdopError(
          'name-taken',
          `${name} is, or looks like, what somebody who works here is called: choose another name for the guest`,
        );
    }
  };
}

function mustBePlain(name: string): void {
  if (cleanName(name) !== name)
    throw new CmdopError('bad-request', `${JSON.stringify(name)} has blanks around it or characters that nobody sees: write a plain name`);
  const scripts = scriptsIn(name);
  if (scripts.length > 1)
    throw new CmdopError(
      'bad-request',
      `${JSON.stringify(name)} mixes ${scripts.join(' and ')} letters, which look alike: write it in the letters of one script`,
    );
}
