/** Requests and events about guests: invites to one session, the proof of a key, and how an invitation ends. */
import { z } from 'zod';
import { authentication, clientId, role, sessionId, sessionRef, time } from './shapes.ts';

const none = z.object({});

/** Base64 of 32 random bytes, new for every challenge. */
const nonce = z.string().length(44);
/** What a guest may be. */
export const guestRole = role.exclude(['owner']);
export type GuestRole = z.infer<typeof guestRole>;

/** What somebody who does not own this host may do here: one role in one session, until it ends. */
export const grant = z.object({
  /** Of the invite. */
  id: z.string().max(64),
  session: sessionId,
  /** As invited; an owner may change it in the session. */
  role: guestRole,
  /** What this person is called here, whatever they call themselves. */
  name: z.string(),
  expiresAt: time.nullable(),
  authentication,
});
export type Grant = z.infer<typeof grant>;

export const invite = z.object({
  id: z.string().max(64),
  session: sessionId,
  sessionName: z.string(),
  name: z.string(),
  role: guestRole,
  /** `key`: cmdop with a key; `ssh`: plain ssh with a key; `link`: a browser. */
  way: z.enum(['key', 'ssh', 'link']),
  /** Fingerprint; null until a one-time code was used, and for links. */
  key: z.string().nullable(),
  createdAt: time,
  createdBy: z.string(),
  expiresAt: time.nullable(),
  /** When its code or link was used, or its key first came. */
  usedAt: time.nullable(),
  state: z.enum(['open', 'used', 'revoked', 'expired']),
});
export type Invite = z.infer<typeof invite>;

/** What `hello` proves at a door that is not the owner's. */
export const proof = z.object({
  /** OpenSSH public key: `ssh-ed25519 AAAA…`. */
  key: z.string().max(1024),
  /** Base64, over `proofText` (authentication.ts). */
  signature: z.string().max(256),
  /** Which of the sessions that this key is invited to; needed where there are several. */
  session: sessionRef.optional(),
  /** One-time code that brings this key in. */
  code: z.string().max(256).optional(),
});
export type Proof = z.infer<typeof proof>;

const invited = z.object({
  session: sessionRef,
  name: z.string().min(1).max(64),
  role: guestRole.default('observer'),
  /** How long from now, milliseconds; without it until revoked. */
  expiresInMs: z
    .number()
    .int()
    .min(1_000)
    .max(366 * 86_400_000)
    .optional(),
});

export const SHARE_METHODS = {
  /** Before `hello`: the host proves its key over `nonce`, and asks for proof over its own, which counts once. */
  'auth.challenge': {
    params: z.object({ client: clientId, nonce }),
    /** `host`: its public key, OpenSSH format; `signature`: base64. */
    result: z.object({ host: z.string().max(1024), nonce, signature: z.string().max(256) }),
  },
  /** Before `hello`, over a challenge of its own: what a code or a key is invited to, without using it. Throws as `hello` does. */
  'auth.invite': {
    params: z.object({ client: clientId, proof }),
    result: z.object({
      session: sessionId,
      sessionName: z.string(),
      role: guestRole,
      name: z.string(),
      createdBy: z.string(),
      expiresAt: time.nullable(),
    }),
  },
  /**
   * For human owners. `code`: what `cmdop join` takes, but for plain ssh; it works once where no `key` is given, else with
   * that key alone. `note`: what is missing yet.
   */
  'share.create': {
    params: invited.extend({
      /** OpenSSH public key. */
      key: z.string().max(16_384).optional(),
      /** It is for plain ssh: the key is needed. */
      ssh: z.boolean().default(false),
    }),
    result: z.object({ invite, code: z.string().optional(), note: z.string().optional() }),
  },
  /** A link for one browser, that signs it in once. Without `listen` on loopback. */
  'share.link': {
    params: invited.extend({
      listen: z.object({ address: z.string().min(1).max(255), port: z.number().int().min(0).max(65535) }).optional(),
      /** Files that the host reads, PEM. */
      tls: z.object({ cert: z.string().min(1).max(4096), key: z.string().min(1).max(4096) }).optional(),
    }),
    result: z.object({ invite, url: z.string(), note: z.string().optional() }),
  },
  'share.list': { params: z.object({ session: sessionRef.optional() }), result: z.object({ invites: z.array(invite) }) },
  /** At once: who is here by this invite is put out, and what they sent and was not let through does not run. */
  'share.revoke': { params: z.object({ id: z.string().min(1).max(64) }), result: z.object({ invite }) },
  /** The socket for invited keys of other accounts: opened for a group, or closed. Also after restarts of the host. */
  'share.socket': {
    params: z.object({ group: z.string().min(1).max(256).nullable() }),
    result: z.object({ socket: z.string().nullable(), group: z.string().nullable() }),
  },
  'share.socket.status': { params: none, result: z.object({ socket: z.string().nullable(), group: z.string().nullable() }) },
} as const;

export const SHARE_EVENTS = {
  /** To a guest: the invitation is over, and the connection closes. */
  'share.ended': z.object({ reason: z.enum(['revoked', 'expired', 'kicked']), message: z.string() }),
  /** To watching owners. */
  'share.changed': z.object({ invite }),
} as const;
