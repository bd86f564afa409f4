/**
 * Who is invited to what: kept in one file, whole or not at all, that holds no code and no cookie but their hashes.
 * Decides what an invite gives now; nothing else does.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { CmdopError } from '#protocol/errors.ts';
import { newId, type SessionId } from '#protocol/ids.ts';
import { type Grant, type guestRole, type Invite, invite as inviteShape } from '#protocol/sharing.ts';
import type { StateFile, StateFiles } from '../state-files.ts';

/** Invites that are kept, with those that are over; the oldest of those go first. */
const MAX_INVITES = 1_000;
/** A code or link that nobody uses is good for this long, milliseconds. */
export const UNUSED_MS = 24 * 3_600_000;

/** Where links are served. */
const linkPlace = z.object({
  address: z.string(),
  port: z.number().int().min(0).max(65535),
  tls: z.object({ cert: z.string(), key: z.string() }).nullable(),
});
export type LinkPlace = z.infer<typeof linkPlace>;

const stored = inviteShape.omit({ sessionName: true, state: true }).extend({
  /** Base64 of SHA-256; null once used. */
  secret: z.string().nullable(),
  /** OpenSSH format. */
  publicKey: z.string().nullable(),
  /** Hash of the browser's cookie. */
  cookie: z.string().nullable(),
  revokedAt: z.number().nullable(),
  /** Of a link. */
  place: linkPlace.nullable().default(null),
});
export type StoredInvite = z.infer<typeof stored>;

const shape = z.looseObject({ invites: z.array(stored).max(MAX_INVITES).default([]), group: z.string().nullable().default(null) });

export type NewInvite = {
  session: SessionId;
  name: string;
  role: z.infer<typeof guestRole>;
  way: Invite['way'];
  createdBy: string;
  expiresAt: number | null;
  key: { text: string; fingerprint: string } | null;
  place?: LinkPlace;
};

export class Invites {
  readonly #file: StateFile<z.infer<typeof shape>>;
  readonly #wallNow: () => number;
  #invites: StoredInvite[];
  #group: string | null;

  /** Never throws. A file that cannot be understood lets nobody in. */
  constructor({ files, file, wallNow }: { files: StateFiles; file: string; wallNow: () => number }) {
    this.#file = files.open({
      file,
      shape,
      whileDamaged: 'no guest is let in; `cmdop share` writes it anew',
      whileUnwritten: 'invites hold until this host ends',
    });
    this.#wallNow = wallNow;
    this.#invites = this.#file.found?.invites ?? [];
    this.#group = this.#file.found?.group ?? null;
  }

  /** The group whose members reach the shared socket; null while there is none. */
  get group(): string | null {
    return this.#group;
  }
  all(): readonly StoredInvite[] {
    return this.#invites;
  }
  get(id: string): StoredInvite | null {
    return this.#invites.find((invite) => invite.id === id) ?? null;
  }

  setGroup(group: string | null): void {
    this.#group = group;
    this.#save();
  }

  /** `secret`: a code or link's token, said only now; null where a key is invited. Throws `bad-request` if there are too many. */
  add({ key, place = null, ...wanted }: Omit<NewInvite, 'place'> & { place?: LinkPlace | null }): {
    invite: StoredInvite;
    secret: string | null;
  } {
    const secret = key ? null : randomBytes(24).toString('base64url');
    const invite: StoredInvite = {
      ...wanted,
      id: newId(8, randomBytes),
      key: key?.fingerprint ?? null,
      publicKey: key?.text ?? null,
      createdAt: this.#wallNow(),
      usedAt: null,
      secret: secret === null ? null : hashOf(secret),
      cookie: null,
      revokedAt: null,
      place,
    };
    const kept = [...this.#invites];
    while (kept.length >= MAX_INVITES) {
      const over = kept.findIndex((each) => !this.isLive(each));
      if (over < 0) throw new CmdopError('bad-request', `${MAX_INVITES} people are invited already: revoke some (\`cmdop invites\`)`);
      kept.splice(over, 1);
    }
    this.#invites = [...kept, invite];
    this.#save();
    return { invite, secret };
  }

  /** The live invites of a key. */
  ofKey(fingerprint: string): StoredInvite[] {
    return this.#invites.filter((invite) => invite.key === fingerprint && this.isLive(invite));
  }

  /** The invite that waits for this code or token, whatever has become of it. */
  ofSecret(secret: string): StoredInvite | null {
    return this.#invites.find((invite) => invite.secret !== null && isSame(invite.secret, hashOf(secret))) ?? null;
  }

  ofCookie(cookie: string): StoredInvite | null {
    const hash = hashOf(cookie);
    return this.#invites.find((invite) => invite.cookie !== null && isSame(invite.cookie, hash) && this.isLive(invite)) ?? null;
  }

  /** From now on it is of this key, or of this browser. Its secret stays known, so that its second use is told from a wrong one. */
  use(invite: StoredInvite, by: { key: { text: string; fingerprint: string } } | { cookie: string } | null): StoredInvite {
    const who = by === null ? {} : 'key' in by ? { key: by.key.fingerprint, publicKey: by.key.text } : { cookie: hashOf(by.cookie) };
    return this.#replace({ ...invite, ...who, usedAt: invite.usedAt ?? this.#wallNow() });
  }

  revoke(invite: StoredInvite): StoredInvite {
    return this.#replace({ ...invite, revokedAt: invite.revokedAt ?? this.#wallNow(), cookie: null });
  }

  stateOf({ revokedAt, expiresAt, usedAt, secret, createdAt }: StoredInvite): Invite['state'] {
    const now = this.#wallNow();
    if (revokedAt !== null) return 'revoked';
    if (expiresAt !== null && expiresAt <= now) return 'expired';
    if (usedAt !== null) return 'used';
    return secret !== null && createdAt + UNUSED_MS <= now ? 'expired' : 'open';
  }

  isLive(invite: StoredInvite): boolean {
    const state = this.stateOf(invite);
    return state === 'open' || state === 'used';
  }

  /** When the next live invite ends, Unix time; null if none does. */
  get nextEnd(): number | null {
    const ends = this.#invites.flatMap((invite) => (invite.expiresAt !== null && this.isLive(invite) ? [invite.expiresAt] : []));
    return ends.length === 0 ? null : Math.min(...ends);
  }

  #replace(invite: StoredInvite): StoredInvite {
    this.#invites = this.#invites.map((each) => (each.id === invite.id ? invite : each));
    this.#save();
    return invite;
  }

  #save(): void {
    this.#file.write({ invites: this.#invites, group: this.#group });
  }
}

export function grantOf({ id, session, role, name, expiresAt }: StoredInvite, authentication: Grant['authentication']): Grant {
  return { id, session, role, name, expiresAt, authentication: { ...authentication, invite: id } };
}

const hashOf = (secret: string) => createHash('sha256').update(secret).digest('base64');
/** How long it takes tells nothing. */
const isSame = (a: string, b: string) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
