/**
 * What the host and the process that lets SSH guests in say to each other: one line of JSON each, over a socket that only
 * this account can open. Fields are only added, readers ignore what they do not know: either side may be older.
 */
import { z } from 'zod';

/** A line longer than this is nobody of ours, bytes. */
export const MAX_LINE_BYTES = 1024 * 1024;

/** The first line on every connection to the host: `control` says who is there, `guest` begins a guest's own connection. */
export const opening = z.discriminatedUnion('is', [
  z.object({ is: z.literal('control'), token: z.string().max(128), pid: z.number().int() }),
  z.object({
    is: z.literal('guest'),
    token: z.string().max(128),
    /** By whose invite, and the key that was proved: its fingerprint. */
    invite: z.string().max(64),
    session: z.string().max(64),
    key: z.string().max(128),
    /** Address that the guest came from. */
    from: z.string().max(64),
  }),
]);
export type Opening = z.infer<typeof opening>;

/** A key that may come in, for one session at one listener. */
const guest = z.object({
  invite: z.string(),
  listener: z.string(),
  session: z.string(),
  /** What may be said before the `@`: the session's name or id. */
  users: z.array(z.string()),
  /** In OpenSSH's format. */
  key: z.string(),
  role: z.enum(['operator', 'observer']),
  name: z.string(),
});
export type Guest = z.infer<typeof guest>;

/** Host → process. Each `doors` replaces the last: who is not in it any more is out at once. */
export const order = z.discriminatedUnion('is', [
  z.object({
    is: z.literal('doors'),
    listeners: z.array(z.object({ id: z.string(), address: z.string(), port: z.number().int().min(0).max(65535) })),
    guests: z.array(guest),
  }),
  /** Sharing was stopped, or the host was, on purpose. */
  z.object({ is: z.literal('end'), message: z.string() }),
]);
export type Order = z.infer<typeof order>;
export type Doors = Extract<Order, { is: 'doors' }>;

/** Process → host. */
export const report = z.discriminatedUnion('is', [
  z.object({
    is: z.literal('state'),
    hostKey: z.object({ fingerprint: z.string().max(128), publicKey: z.string().max(1024) }).nullable(),
    /** `port`: where it listens; null where it does not, with why. */
    listeners: z.array(z.object({ id: z.string().max(256), port: z.number().int().nullable(), problem: z.string().max(1000).nullable() })),
    /** What concerns every listener: no host key. */
    problem: z.string().max(1000).nullable(),
  }),
  /** What was turned away since the last such report. */
  z.object({
    is: z.literal('refused'),
    listener: z.string().max(256),
    sinceMs: z.number(),
    /** Hung up on to make room: too many at once, or from there. */
    unheard: z.number().int(),
    /** Came without a key that is invited, or did not speak SSH. */
    unproved: z.number().int(),
    /** A few of them, for whoever looks. */
    addresses: z.array(z.string().max(64)).max(8),
    keys: z.array(z.string().max(128)).max(8),
    users: z.array(z.string().max(64)).max(8),
    /** Or what a guest who is in asked for and may not have, so many times. */
    asked: z.object({ invite: z.string().max(64), asked: z.string().max(1024), count: z.number().int() }).optional(),
  }),
]);
export type Report = z.infer<typeof report>;

/** Lines of a byte stream, each once it is whole. Throws when one is too long. */
export class LineReader {
  #rest = '';

  push(text: string): string[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > MAX_LINE_BYTES) throw new Error('a line that does not end');
    return lines;
  }
}
