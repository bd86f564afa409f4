/** Who is attached to a session, through which connection, with which window: presence, and whose input waits. */
import type { Channel, ClientId, Seq } from '#protocol/ids.ts';
import type { EventName, EventParams } from '#protocol/messages.ts';
import type { Actor, Attachment, Role, Size } from '#protocol/shapes.ts';
import type { DroppedUnits } from '#session/input-ledger.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { Subscriber } from '../output/subscriber.ts';

/** Input written and not yet taken by the program, bytes, above which its sender is not read any more. */
const MAX_UNTAKEN_BYTES = 1024 * 1024;
/** The same of units: each has a verdict, which is told and remembered. More than clients send ahead. */
const MAX_UNTAKEN_UNITS = 1_024;
/** Typing is told at most this often for one client, milliseconds. */
const TYPING_EVERY_MS = 1_000;

export type Attached = {
  readonly connection: ClientConnection;
  readonly client: ClientId;
  readonly actor: Actor;
  readonly channel: Channel;
  readonly since: number;
  role: Role;
  /** See `session.attach`. */
  readonly takesDelegation: boolean;
  /** As which it came, whatever it was given. */
  readonly asked: Role;
  size: Size | undefined;
  /** Grows with every attach, resize and gain of control in the session. */
  order: number;
  subscriber: Subscriber | null;
};

export class SessionClients {
  readonly #attached = new Map<Channel, Attached>();
  readonly #typingToldAt = new Map<ClientId, { at: number; isSecret: boolean }>();
  /** Units written and not yet applied, oldest first. */
  #untaken: { client: ClientId; seq: Seq; bytes: number }[] = [];
  #untakenBytes = 0;
  readonly #paused = new Set<ClientConnection>();
  /** Not read until what is decided before its units is decided. */
  readonly #held = new Set<ClientConnection>();
  #order = 0;

  get size(): number {
    return this.#attached.size;
  }

  all(): Iterable<Attached> {
    return this.#attached.values();
  }

  at(channel: Channel): Attached | null {
    return this.#attached.get(channel) ?? null;
  }

  of(client: ClientId | null): Attached | null {
    for (const attached of this.#attached.values()) if (attached.client === client) return attached;
    return null;
  }

  presence(): Attachment[] {
    return [...this.#attached.values()].map(({ client, actor, role, since, size, connection }) => ({
      client,
      actor,
      role,
      since,
      ...(size ? { size } : {}),
      ...(connection.origin ? { origin: connection.origin } : {}),
      ...(connection.greeted?.grant ? { authentication: connection.greeted.grant.authentication } : {}),
    }));
  }

  add(entry: Omit<Attached, 'order' | 'subscriber'>): Attached {
    const attached: Attached = { ...entry, order: ++this.#order, subscriber: null };
    this.#attached.set(entry.channel, attached);
    return attached;
  }

  remove(attached: Attached): void {
    this.#attached.delete(attached.channel);
    this.#typingToldAt.delete(attached.client);
    const wasPaused = this.#paused.delete(attached.connection);
    if (this.#held.delete(attached.connection) || wasPaused) attached.connection.resume();
  }

  resized(attached: Attached, size: Size): void {
    attached.size = size;
    this.touched(attached);
  }

  /** Its window is the latest. */
  touched(attached: Attached): void {
    attached.order = ++this.#order;
  }

  /** Sends an event to everyone attached but `except`. */
  tell<E extends EventName>(event: E, params: (channel: Channel) => EventParams<E>, except: ClientId | null = null): void {
    for (const { client, connection, channel } of this.#attached.values()) if (client !== except) connection.event(event, params(channel));
  }

  /** True if others should hear that `client` types: the first unit, then at most once a second; of a secret at once. */
  isTypingNews(client: ClientId, now: number, isSecret: boolean): boolean {
    const told = this.#typingToldAt.get(client);
    if (told?.isSecret === isSecret && now - told.at < TYPING_EVERY_MS) return false;
    this.#typingToldAt.set(client, { at: now, isSecret });
    return true;
  }

  /** A unit is on its way to the program; who sends more than it takes is not read until it does. */
  written(client: ClientId, seq: Seq, bytes: number): void {
    this.#untaken.push({ client, seq, bytes });
    this.#untakenBytes += bytes;
    const isTooMuch = this.#untakenBytes > MAX_UNTAKEN_BYTES || this.#untaken.length > MAX_UNTAKEN_UNITS;
    const sender = isTooMuch ? this.of(client) : null;
    if (!sender || this.#paused.has(sender.connection)) return;
    this.#paused.add(sender.connection);
    sender.connection.pause();
  }

  /** The program's terminal has it, and with it everything written before. */
  taken(client: ClientId, seq: Seq): void {
    const index = this.#untaken.findIndex((unit) => unit.client === client && unit.seq === seq);
    for (const unit of this.#untaken.splice(0, index + 1)) this.#untakenBytes -= unit.bytes;
    this.#resumeSenders();
  }

  /** These units were taken back. */
  dropped(client: ClientId, [from, to]: DroppedUnits): void {
    this.#untaken = this.#untaken.filter((unit) => {
      const isKept = unit.client !== client || unit.seq < from || unit.seq > to;
      if (!isKept) this.#untakenBytes -= unit.bytes;
      return isKept;
    });
    this.#resumeSenders();
  }

  #resumeSenders(): void {
    if (this.#untakenBytes < MAX_UNTAKEN_BYTES / 2 && this.#untaken.length < MAX_UNTAKEN_UNITS / 2) this.resumeAll();
  }

  resumeAll(): void {
    const paused = [...this.#paused];
    this.#paused.clear();
    for (const connection of paused) this.#resume(connection);
  }

  /** Nothing more is read of this connection before `over`. */
  hold({ connection }: Attached, over: Promise<void>): void {
    if (this.#held.has(connection)) return;
    this.#held.add(connection);
    connection.pause();
    void over.then(() => {
      if (this.#held.delete(connection)) this.#resume(connection);
    });
  }

  #resume(connection: ClientConnection): void {
    if (!this.#paused.has(connection) && !this.#held.has(connection)) connection.resume();
  }
}
