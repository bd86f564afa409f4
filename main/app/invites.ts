/** Invites that somebody sent to the person at this window: looked at and accepted by the app, which has the key. */
import { type JoinCode, parseJoinCode } from '#local/join-code.ts';
import { personName } from '#local/person-name.ts';
import { shownName } from '#session/file-names.ts';
import type { InviteView, Joined, WantedInvite } from '../../preload/api.ts';
import { acceptInvite, type InviteWay, lookAtInvite } from '../remote/invite.ts';
import { ownIdentity } from './own-key.ts';
import { askPage } from './questions.ts';

/** The attempt that runs; the next takes its place. */
let attempt: AbortController | null = null;

/** Nothing is used by it, and no other machine is reached before. Rejects with a sentence that says what to do. */
export async function lookAt(wanted: WantedInvite): Promise<InviteView> {
  const code = parseJoinCode(wanted.code);
  const { machine, host, socket } = code;
  const found = await attempted(code, wanted, lookAtInvite);
  const facts = found && {
    session: shownName(found.sessionName),
    owner: shownName(found.createdBy),
    name: shownName(found.name),
    role: found.role,
    expiresAt: found.expiresAt,
  };
  return { machine: shownName(machine), hostKey: host, socket: shownName(socket), ownKey: ownIdentity().publicKey.fingerprint, facts };
}

/** Rejects as `lookAt`. */
export async function join(wanted: WantedInvite): Promise<Joined> {
  const name = wanted.name === '' ? undefined : wanted.name;
  const { host, session } = await attempted(parseJoinCode(wanted.code), wanted, (way) =>
    acceptInvite({ ...way, name, person: personName(), interface: 'desktop' }),
  );
  return { host, session: session.id };
}

/** What runs is given up: nobody waits for it. */
export function endJoining(): void {
  attempt?.abort();
}

async function attempted<T>(code: JoinCode, { ssh }: WantedInvite, work: (way: InviteWay) => Promise<T>): Promise<T> {
  attempt?.abort();
  const own = new AbortController();
  attempt = own;
  const ask = askPage(code.machine);
  own.signal.addEventListener('abort', () => ask.end());
  try {
    return await work({ code, identity: ownIdentity(), ask, signal: own.signal, ...(ssh === '' ? {} : { ssh }) });
  } finally {
    ask.end();
    if (attempt === own) attempt = null;
  }
}
