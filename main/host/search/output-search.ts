/**
 * Searches of the output that run for clients: a process each, few at a time, their hits told as they are found. A process,
 * since what a thread has read of a month of output stays with the host (150 MiB each, as measured), and since a process can
 * be told to give way to who types.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { EventParams } from '#protocol/messages.ts';
import type { SearchHit } from '#protocol/search.ts';
import type { ClientConnection } from '../client-connection.ts';
import { startFailure } from '../start-failure.ts';
import { giveWay } from './give-way.ts';
import type { FoundHit, SearchTask, WorkerMessage } from './search-messages.ts';

/** Searches of one client, and of all, at the same time. */
const MAX_OF_CLIENT = 2;
const MAX_RUNNING = 4;
/** Progress is told no more often, milliseconds. */
const PROGRESS_MS = 100;
/** Hits told in one event. */
const BATCH = 50;
/** A search is a segment or two and its pattern, not the output: with more, what it drops would pile up before it is collected. */
const FLAGS = ['--max-old-space-size=128', '--max-semi-space-size=4'];
/** Behind everything that somebody waits for. */
const PRIORITY = 10;

type Running = { connection: ClientConnection; worker: ChildProcess; progress: EventParams<'search.progress'> | null; toldAt: number };

/** Adds what only the host knows; null where the client may not read that session any more. */
type Complete = (connection: ClientConnection, hit: FoundHit) => SearchHit | null;

export class OutputSearch {
  readonly #complete: Complete;
  readonly #now: () => number;
  readonly #unsketched: (session: SessionId) => void;
  readonly #running = new Map<number, Running>();
  #next = 1;

  /** `now` is monotonic, milliseconds; `unsketched`: a search had to read more than it should. */
  constructor(options: { complete: Complete; now: () => number; unsketched: (session: SessionId) => void }) {
    this.#complete = options.complete;
    this.#now = options.now;
    this.#unsketched = options.unsketched;
  }

  /** Throws `busy` where too many run. */
  mustHaveRoom(connection: ClientConnection): void {
    const own = [...this.#running.values()].filter((running) => running.connection === connection).length;
    if (own >= MAX_OF_CLIENT || this.#running.size >= MAX_RUNNING) {
      const whose = own >= MAX_OF_CLIENT ? 'of this client' : 'on this host';
      throw new CmdopError('busy', `${own >= MAX_OF_CLIENT ? own : this.#running.size} searches ${whose} run already: cancel one, or wait`);
    }
  }

  /** `answer` gets its number before anything is told. */
  start(connection: ClientConnection, task: SearchTask, answer: (search: number) => void): void {
    this.mustHaveRoom(connection);
    const search = this.#next++;
    const worker = fork(WORKER, { serialization: 'advanced', execArgv: FLAGS, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#running.set(search, { connection, worker, progress: null, toldAt: Number.NEGATIVE_INFINITY });
    answer(search);
    worker.on('message', (message: WorkerMessage) => this.#received(search, message));
    worker.on('error', (error) => this.#end(search, { reason: 'failed', message: `the search broke: ${startFailure(error)}` }));
    worker.on('exit', (code, signal) =>
      this.#end(search, { reason: 'failed', message: `the search broke: its process ended (${signal ?? code})` }),
    );
    if (worker.pid === undefined) return; // its error tells
    worker.send(task);
    giveWay(worker, PRIORITY);
  }

  cancel(connection: ClientConnection, search: number): void {
    if (this.#running.get(search)?.connection === connection) this.#end(search, { reason: 'cancelled', message: null });
  }

  closed(connection: ClientConnection): void {
    for (const [search, running] of this.#running) if (running.connection === connection) this.#end(search, null);
  }

  dispose(): void {
    for (const search of [...this.#running.keys()]) this.#end(search, null);
  }

  #received(search: number, message: WorkerMessage): void {
    const running = this.#running.get(search);
    if (!running) return; // cancelled while it was on its way
    const { connection } = running;
    if (message.kind === 'found') {
      for (let at = 0; at < message.hits.length; at += BATCH)
        connection.event('search.found', {
          search,
          hits: message.hits.slice(at, at + BATCH).flatMap((hit) => this.#complete(connection, hit) ?? []),
        });
    } else if (message.kind === 'progress') {
      running.progress = { search, readBytes: message.readBytes, totalBytes: message.totalBytes };
      if (this.#now() - running.toldAt >= PROGRESS_MS) this.#tellProgress(running);
    } else if (message.kind === 'unsketched') this.#unsketched(message.session);
    else this.#end(search, { reason: message.reason, message: message.reason === 'failed' ? message.message : null });
  }

  #tellProgress(running: Running): void {
    running.toldAt = this.#now();
    if (running.progress) running.connection.event('search.progress', running.progress);
    running.progress = null;
  }

  #end(search: number, told: Pick<EventParams<'search.ended'>, 'reason' | 'message'> | null): void {
    const running = this.#running.get(search);
    if (!running) return;
    this.#running.delete(search);
    running.worker.kill('SIGKILL');
    if (!told) return;
    this.#tellProgress(running);
    running.connection.event('search.ended', { search, ...told });
  }
}

const WORKER = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './search-worker.ts' : './search-worker.mjs', import.meta.url));
