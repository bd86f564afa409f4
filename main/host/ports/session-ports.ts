/** The ports on which the processes of one session listen, as last looked at, with the addresses it printed for them. */
import { type ListeningSocket, listeningSockets, type OwnedSocket, socketsOf } from '#local/listening.ts';
import type { Offset } from '#protocol/ids.ts';
import type { ListeningPort } from '#protocol/ports.ts';
import { PrintedUrls } from '#session/printed-urls.ts';
import { processIds, processTree } from '../processes/process-tree.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import { reachableAt } from './reachable.ts';

/** The last output that is searched for addresses, bytes: what the ring keeps when nobody lags. */
const SEARCHED_BYTES = 256 * 1024;
/** Ports of one session that are told. */
const MAX_PORTS = 256;

export class SessionPorts {
  #ports: readonly ListeningPort[] = [];
  #reachable: ReadonlyMap<number, readonly string[]> = new Map();
  readonly #urls = new PrintedUrls();
  #searchedTo = 0;
  /** The machine's listening sockets at the last look, and that session's shell: the same ones give the same answer. */
  #lookedAt = '';
  #running: Promise<readonly ListeningPort[]> | null = null;
  #next: Promise<readonly ListeningPort[]> | null = null;
  #lastLookMs = Number.NEGATIVE_INFINITY;

  get ports(): readonly ListeningPort[] {
    return this.#ports;
  }

  /** Where a port is reached so that nobody but the session answers, as last looked at; null where it does not listen on it. */
  reachableAt(port: number): readonly string[] | null {
    return this.#reachable.get(port) ?? null;
  }

  /** As it is now, or was at most `ageMs` ago. */
  look(session: LiveSession, { ageMs = 0, now }: { ageMs?: number; now: () => number }): Promise<readonly ListeningPort[]> {
    if (now() - this.#lastLookMs <= ageMs) return Promise.resolve(this.#ports);
    if (this.#next) return this.#next;
    if (!this.#running) return this.#begin(session, now);
    // That one may have seen what is over by now: whoever comes while it runs shares the one after it.
    const begin = () => {
      this.#next = null;
      return this.#begin(session, now);
    };
    this.#next = this.#running.then(begin, begin);
    return this.#next;
  }

  #begin(session: LiveSession, now: () => number): Promise<readonly ListeningPort[]> {
    this.#running = this.#look(session).finally(() => {
      this.#running = null;
      this.#lastLookMs = now();
    });
    return this.#running;
  }

  async #look(session: LiveSession): Promise<readonly ListeningPort[]> {
    const { shellPid } = session;
    if (shellPid === null) {
      this.#lookedAt = '';
      this.#ports = [];
      this.#reachable = new Map();
      return this.#ports;
    }
    this.#searchOutput(session);
    const all = await listeningSockets();
    const looked = all && `${shellPid} ${all.map(({ id }) => id).join(' ')}`;
    if (looked === null || looked !== this.#lookedAt) await this.#find(shellPid, all, looked ?? '');
    this.#ports = this.#ports.map((port) => ({ ...port, url: this.#urls.get(port.port) }));
    return this.#ports;
  }

  async #find(shellPid: number, all: readonly ListeningSocket[] | null, looked: string): Promise<void> {
    const sockets = await socketsOf(await processIds(shellPid), all);
    const rows = sockets.length > 0 ? await processTree(shellPid) : [];
    const byPort = Map.groupBy(sockets.slice(0, MAX_PORTS), ({ port }) => port);
    const before = new Map(this.#ports.map((port) => [port.port, port]));
    this.#ports = [...byPort]
      .toSorted(([a], [b]) => a - b)
      .map(([port, found]): ListeningPort => {
        const pid = found[0]?.pid ?? 0;
        const command = rows.find((row) => row.pid === pid)?.command ?? '';
        const since = before.get(port)?.since ?? Date.now();
        return { port, addresses: addressesOf(found), pid, command, url: null, since };
      });
    const everybodys = Map.groupBy(all ?? sockets, ({ port }) => port);
    const owns = Map.groupBy(sockets, ({ port }) => port);
    this.#reachable = new Map([...owns].map(([port, own]) => [port, reachableAt(own, everybodys.get(port) ?? own)]));
    this.#lookedAt = looked;
  }

  #searchOutput({ output: { ring } }: LiveSession): void {
    const from = Math.max(this.#searchedTo, ring.start, ring.end - SEARCHED_BYTES);
    if (from > this.#searchedTo && this.#searchedTo > 0) this.#urls.skipped();
    for (const part of ring.readParts(from as Offset, ring.end - from)) this.#urls.read(part);
    this.#searchedTo = ring.end;
  }
}

const addressesOf = (sockets: readonly OwnedSocket[]) => [...new Set(sockets.map(({ address }) => address))].slice(0, 64);
