/** Searches of the output that a client has asked for: what the host finds goes to whoever asked, until the search ends. */
import type { EventParams, ParamsInput } from '#protocol/messages.ts';
import type { SearchHit } from '#protocol/search.ts';
import type { CmdopClient } from './cmdop-client.ts';
import type { ConnectionEvent } from './connection.ts';

export type SearchListener = {
  found(hits: readonly SearchHit[]): void;
  progress?(progress: EventParams<'search.progress'>): void;
  ended(end: Pick<EventParams<'search.ended'>, 'reason' | 'message'>): void;
};

type SearchEvent = Extract<ConnectionEvent, { event: `search.${string}` }>;

export class SearchInbox {
  readonly #listeners = new Map<number, SearchListener>();
  /** Of searches whose number is still on its way to who asked. */
  #early: SearchEvent[] = [];
  #starting = 0;

  /** To be given every event of the client's connection. */
  event(event: ConnectionEvent): void {
    if (event.event !== 'search.found' && event.event !== 'search.progress' && event.event !== 'search.ended') return;
    const listener = this.#listeners.get(event.params.search);
    if (listener) this.#tell(listener, event);
    else if (this.#starting > 0) this.#early.push(event);
  }

  /** The connection broke, and with it every search. */
  disconnected(): void {
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    for (const listener of listeners) listener.ended({ reason: 'failed', message: 'the connection to the host broke: search again' });
  }

  /** Rejects with the host's error; else `cancel` ends it, and nothing more is told. */
  async start(client: CmdopClient, params: ParamsInput<'search.output'>, listener: SearchListener): Promise<{ cancel(): void }> {
    this.#starting++;
    try {
      const { search } = await client.request('search.output', params);
      this.#listeners.set(search, listener);
      for (const event of this.#early) if (event.params.search === search) this.#tell(listener, event);
      return {
        cancel: () => {
          if (!this.#listeners.delete(search)) return;
          client.request('search.cancel', { search }).catch(() => {}); // it ends with the connection
        },
      };
    } finally {
      this.#starting--;
      if (this.#starting === 0) this.#early = [];
    }
  }

  #tell(listener: SearchListener, event: SearchEvent): void {
    if (event.event === 'search.found') listener.found(event.params.hits);
    else if (event.event === 'search.progress') listener.progress?.(event.params);
    else {
      this.#listeners.delete(event.params.search);
      listener.ended(event.params);
    }
  }
}
