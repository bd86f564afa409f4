/** Every place at which this host serves browser links: opened with the first link, closed after the last. */
import type { CmdopError } from '#protocol/errors.ts';
import type { LinkPlace } from './invites.ts';
import { LinkServer, type LinkServerOptions } from './link-server.ts';

export type LinksOptions = Omit<LinkServerOptions, 'place'>;

export class Links {
  readonly #options: LinksOptions;
  readonly #servers = new Map<string, LinkServer>();

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  /** The server at a place, whose port may be any. Throws `bad-request`. */
  async open(place: LinkPlace): Promise<{ server: LinkServer; place: LinkPlace }> {
    const known = [...this.#servers.entries()].find(([key]) => {
      const other = JSON.parse(key) as LinkPlace; // our own
      return (
        other.address === place.address &&
        (place.port === 0 || other.port === place.port) &&
        JSON.stringify(other.tls) === JSON.stringify(place.tls)
      );
    });
    if (known) return { server: known[1], place: JSON.parse(known[0]) as LinkPlace };
    const server = new LinkServer({ ...this.#options, place });
    await server.listen();
    const there = { ...place, port: server.port };
    this.#servers.set(keyOf(there), server);
    return { server, place: there };
  }

  /** Opens again what live links lead to. Returns what went wrong, a sentence, or null. */
  async resume(): Promise<string | null> {
    let problem: string | null = null;
    for (const { place } of this.#live()) {
      await this.open(place).catch((error: CmdopError) => {
        problem = error.message;
      });
    }
    return problem;
  }

  /** Closes what no live link leads to any more. */
  prune(): void {
    const live = new Set(this.#live().map(({ place }) => keyOf(place)));
    for (const [key, server] of this.#servers) {
      if (live.has(key)) continue;
      this.#servers.delete(key);
      // Those who were put out get their last words first.
      setTimeout(() => server.close(), 1_000).unref();
    }
  }

  dispose(): void {
    for (const server of this.#servers.values()) server.close();
    this.#servers.clear();
  }

  #live(): { place: LinkPlace }[] {
    const { invites } = this.#options;
    return invites.all().flatMap((invite) => (invite.place && invites.isLive(invite) ? [{ place: invite.place }] : []));
  }
}

const keyOf = ({ address, port, tls }: LinkPlace) => JSON.stringify({ address, port, tls });
