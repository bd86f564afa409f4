/**
 * Where somebody who does not own this host proves who they are: a challenge that counts once, a signature over it, and
 * an invite for that key, or a one-time code that brings the key in. Everything else is refused, slowly and on record.
 */
import { randomBytes, verify } from 'node:crypto';
import type { Identity } from '#local/identity.ts';
import { ed25519KeyObject, type PublicKey, parsePublicKey } from '#local/ssh-keys.ts';
import { type Challenge, hostText, proofText } from '#protocol/authentication.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { ClientId } from '#protocol/ids.ts';
import type { Params, Result } from '#protocol/messages.ts';
import type { Grant, GuestRole, Proof } from '#protocol/sharing.ts';
import type { ClientConnection } from '../client-connection.ts';
import { findSession } from '../sessions/session-names.ts';
import { grantOf, type Invites, type StoredInvite } from './invites.ts';
import type { Refused } from './refusals.ts';

export type DoorOptions = {
  invites: Invites;
  /** The host's own key, made when first needed. */
  identity(): Identity;
  /** Nobody is let in at `connection`. */
  refused(connection: ClientConnection, refused: Refused): void;
  /** Who is at `connection` has an invite. */
  proved(connection: ClientConnection): void;
  /** With the role there now; null where the session is gone. */
  sessionOf(invite: StoredInvite): { id: string; name: string; isRunning: boolean; role: GuestRole } | null;
  /** A key was brought in by a code. */
  joined(invite: StoredInvite): void;
};

export class Door {
  readonly #options: DoorOptions;
  readonly #challenges = new WeakMap<ClientConnection, Challenge>();

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** A new one takes the place of the one before. */
  challenge(connection: ClientConnection, { client, nonce }: Params<'auth.challenge'>): Result<'auth.challenge'> {
    const { publicKey, sign } = this.#options.identity();
    const challenge = { host: publicKey.fingerprint, client, clientNonce: nonce, hostNonce: randomBytes(32).toString('base64') };
    this.#challenges.set(connection, challenge);
    return { host: publicKey.text, nonce: challenge.hostNonce, signature: sign(hostText(challenge)) };
  }

  /** Throws `unauthorized`, whatever the reason: in a sentence, once it is on record. */
  prove(connection: ClientConnection, client: ClientId, proof: Proof | undefined): Grant {
    return this.#proven(connection, { client, proof }, (key, { code, session }) => {
      const { invites, joined } = this.#options;
      const invite = code === undefined ? this.#inviteOf(key, session) : this.#inviteOfCode(key, code);
      if (code === undefined) return grantOf(invite.usedAt === null ? invites.use(invite, null) : invite, byKey(key));
      if (invite.key === key.fingerprint) return grantOf(invite, byKey(key)); // said again: its answer may have been lost on the way
      const used = invites.use(invite, { key });
      joined(used);
      return grantOf(used, byKey(key));
    });
  }

  /** What the key or the code is invited to; nothing is used by it. Throws as `prove`. */
  look(connection: ClientConnection, { client, proof }: Params<'auth.invite'>): Result<'auth.invite'> {
    return this.#proven(connection, { client, proof }, (key, { code, session }) => {
      const invite = code === undefined ? this.#inviteOf(key, session) : this.#inviteOfCode(key, code);
      const { role, name, createdBy, expiresAt } = invite;
      const there = this.#options.sessionOf(invite);
      return { session: invite.session, sessionName: there?.name ?? invite.session, role: there?.role ?? role, name, createdBy, expiresAt };
    });
  }

  /** What `find` gives for a key that has proven itself. Throws `unauthorized`. */
  #proven<T>(
    connection: ClientConnection,
    { client, proof }: { client: ClientId; proof: Proof | undefined },
    find: (key: PublicKey, proof: Proof) => T,
  ): T {
    const { refused: noted, proved } = this.#options;
    const challenge = this.#challenges.get(connection);
    this.#challenges.delete(connection); // it counts once
    try {
      if (!proof) throw refused('only invited keys get in here: ask the owner for a code, and use it with `cmdop join CODE`');
      const key = parsePublicKey(proof.key);
      if (!challenge || challenge.client !== client)
        throw refused('there is no challenge for this proof, or it was used already: connect anew');
      if (!isSigned(key, proof, challenge)) throw refused(`the proof does not fit the key ${key.fingerprint}`);
      const found = find(key, proof);
      proved(connection);
      return found;
    } catch (error) {
      const isExpected = error instanceof CmdopError;
      if (!isExpected) console.error('a proof could not be read:', error);
      const message = isExpected ? error.message : 'the proof cannot be read';
      noted(connection, { message, key: proof?.key });
      if (isExpected && error.code !== 'bad-request') throw error;
      throw refused(message);
    }
  }

  #inviteOf(key: PublicKey, session: string | undefined): StoredInvite {
    const { invites, sessionOf } = this.#options;
    const known = invites.ofKey(key.fingerprint).filter(({ way }) => way === 'key');
    const there = known.flatMap((invite) => {
      const of = sessionOf(invite);
      return of ? [{ id: of.id, name: of.name, isRunning: of.isRunning, invite }] : [];
    });
    const [only] = there;
    if (!only) {
      const was = invites.all().findLast((invite) => invite.key === key.fingerprint && invite.way === 'key');
      const why = was ? endedWhy(invites.stateOf(was)) : 'is not invited to anything here';
      throw refused(`the key ${key.fingerprint} ${why}: ask the owner for another invite`);
    }
    const wanted = session === undefined ? null : findSession(there, session);
    if (!wanted && there.length > 1) {
      const names = there.map(({ name }) => name).join(', ');
      throw new CmdopError('session-ambiguous', `the key ${key.fingerprint} is invited to ${names}: name one of them`);
    }
    return (wanted ?? only).invite;
  }

  #inviteOfCode(key: PublicKey, code: string): StoredInvite {
    const { invites, sessionOf } = this.#options;
    const invite = invites.ofSecret(code);
    if (invite?.way !== 'key') throw refused('this code is not one of this host: copy the whole line, or ask the owner for another');
    const state = invites.stateOf(invite);
    // The same key may say it again: its answer may have been lost on the way.
    const isRepeat = state === 'used' && invite.key === key.fingerprint;
    if (state !== 'open' && !isRepeat)
      throw refused(`this code ${state === 'used' ? 'was used already' : endedWhy(state)}: ask the owner for another`);
    if (!sessionOf(invite)) throw refused('the session of this code is gone');
    return invite;
  }
}

const byKey = ({ fingerprint }: PublicKey): Grant['authentication'] => ({ by: 'key', key: fingerprint });

function isSigned(key: PublicKey, { signature }: Proof, challenge: Challenge): boolean {
  return verify(null, proofText(challenge), ed25519KeyObject(key), Buffer.from(signature, 'base64'));
}

const endedWhy = (state: string): string => (state === 'revoked' ? 'was revoked by the owner' : 'has expired');
/** Trying again changes nothing: clients wait for their person. */
const refused = (message: string): CmdopError => new CmdopError('unauthorized', message, { needs: 'person' });
