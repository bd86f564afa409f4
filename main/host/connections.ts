/** Who is connected to a host: it looks for clients that vanished only while there are any, so that an idle host sleeps. */
import type { ActorId, ClientId } from '#protocol/ids.ts';
import { LOOK_EVERY_MS } from '#session/client-vigil.ts';
import type { ClientConnection } from './client-connection.ts';

export class Connections implements Iterable<ClientConnection> {
  readonly #all = new Set<ClientConnection>();
  /** Monotonic, milliseconds. */
  readonly #now: () => number;
  #looking: NodeJS.Timeout | null = null;
  #lookedAt = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#all.size;
  }
  [Symbol.iterator](): Iterator<ClientConnection> {
    return this.#all[Symbol.iterator]();
  }

  add(connection: ClientConnection): void {
    this.#all.add(connection);
    if (this.#looking) return;
    this.#lookedAt = this.#now();
    this.#looking = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  delete(connection: ClientConnection): void {
    this.#all.delete(connection);
    if (this.#all.size > 0 || !this.#looking) return;
    clearInterval(this.#looking);
    this.#looking = null;
  }

  /** Another client than `except` is connected as this actor. */
  has(actor: ActorId, except: ClientId): boolean {
    return [...this.#all].some(({ greeted }) => greeted?.actor.id === actor && greeted.client !== except);
  }

  closeAll(): void {
    for (const connection of [...this.#all]) connection.close();
  }

  #look(): void {
    const now = this.#now();
    const sinceLastMs = now - this.#lookedAt;
    this.#lookedAt = now;
    for (const connection of [...this.#all]) connection.look(sinceLastMs);
  }
}
