/** Which session each channel of each connection leads to. */
import { CmdopError } from '#protocol/errors.ts';
import type { Channel } from '#protocol/ids.ts';
import type { ClientConnection } from './client-connection.ts';
import type { LiveSession } from './sessions/live-session.ts';

/** Which session each channel of each connection leads to. */
export class Attachments {
  readonly #byConnection = new Map<ClientConnection, Map<Channel, LiveSession>>();
  #nextChannel = 1;

  newChannel(): Channel {
    return this.#nextChannel++ as Channel;
  }
  set(connection: ClientConnection, channel: Channel, session: LiveSession): void {
    const channels = this.#byConnection.get(connection) ?? new Map<Channel, LiveSession>();
    channels.set(channel, session);
    this.#byConnection.set(connection, channels);
  }
  get(connection: ClientConnection, channel: Channel): LiveSession | null {
    return this.#byConnection.get(connection)?.get(channel) ?? null;
  }
  /** Throws `bad-request` if the channel leads nowhere. */
  need(connection: ClientConnection, channel: Channel): LiveSession {
    const session = this.get(connection, channel);
    if (!session) throw new CmdopError('bad-request', `channel ${channel} is not attached: attach first`);
    return session;
  }
  delete(connection: ClientConnection, channel: Channel): void {
    this.#byConnection.get(connection)?.delete(channel);
  }
  /** Every attachment of a connection, which is forgotten. */
  take(connection: ClientConnection): [Channel, LiveSession][] {
    const channels = this.#byConnection.get(connection) ?? [];
    this.#byConnection.delete(connection);
    return [...channels];
  }
  of(connection: ClientConnection): Iterable<[Channel, LiveSession]> {
    return this.#byConnection.get(connection) ?? [];
  }
}
