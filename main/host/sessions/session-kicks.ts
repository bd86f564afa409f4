/**
 * Clients that an owner has removed from a session: nothing of theirs passes any more, but what had passed the gate gets
 * its verdict (invariant 3), on the link that it came over or in the refusal to attach again.
 */
import { CmdopError } from '#protocol/errors.ts';
import type { Channel, ClientId, Seq } from '#protocol/ids.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { Attached } from './session-clients.ts';
import type { Refused, SessionInput } from './session-input.ts';
import type { SessionRoles } from './session-roles.ts';

type Leaving = { connection: ClientConnection; channel: Channel };

export class SessionKicks {
  readonly #input: SessionInput;
  readonly #roles: SessionRoles;
  /** Told of their last verdicts; at most as many as were attached. */
  readonly #leaving = new Map<ClientId, Leaving>();
  readonly #waiting = new Map<ClientId, () => void>();

  constructor(options: { input: SessionInput; roles: SessionRoles }) {
    this.#input = options.input;
    this.#roles = options.roles;
  }

  /** Tells the client; its attachment is over. */
  tell({ client, channel, connection, actor }: Attached, message = this.#roles.kickedMessage(actor)): void {
    connection.event('session.kicked', { channel, accepted: this.#input.accepted(client), message });
    if (!this.#input.isSettled(client)) this.#leaving.set(client, { connection, channel });
  }

  /** Throws `kicked` for whoever was removed, once the verdicts of all their units are known: up to `applied` they are. */
  async mustSee({ who: { client, actor } }: ClientConnection): Promise<void> {
    if (!this.#roles.isKicked(actor)) return;
    this.#leaving.delete(client);
    // The client that asks twice has given up its first request.
    this.#waiting.get(client)?.();
    if (!this.#input.isSettled(client)) await new Promise<void>((resolve) => this.#waiting.set(client, resolve));
    const verdicts = { applied: this.#input.applied(client), refused: this.#input.refusals(client) };
    throw new CmdopError('kicked', this.#roles.kickedMessage(actor), verdicts);
  }

  applied(client: ClientId, seq: Seq): void {
    const leaving = this.#leaving.get(client);
    leaving?.connection.event('input.applied', { channel: leaving.channel, seq });
    this.settled(client);
  }

  /** A unit that had passed the gate was taken back. */
  refused(client: ClientId, refused: Refused): void {
    const leaving = this.#leaving.get(client);
    leaving?.connection.event('input.refused', { channel: leaving.channel, ...refused });
  }

  /** A client has more of its verdicts, perhaps the last. */
  settled(client: ClientId): void {
    if (!this.#input.isSettled(client)) return;
    this.#leaving.delete(client);
    this.#release(client);
  }

  /** No verdict comes any more. */
  sessionEnded(): void {
    this.#leaving.clear();
    for (const client of [...this.#waiting.keys()]) this.#release(client);
  }

  #release(client: ClientId): void {
    this.#waiting.get(client)?.();
    this.#waiting.delete(client);
  }
}
