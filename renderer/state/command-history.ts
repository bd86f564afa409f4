/** Command records for the history panel: any place of it, fetched in pages where it is looked at, kept live. */
import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import type { CmdopClient } from '#client/cmdop-client.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Actor, CommandRecord } from '#protocol/shapes.ts';
import { type CommandFilter, matches } from './command-filter.ts';
import { client } from './engines.ts';
import { HistoryRows, PAGE_ROWS } from './history-rows.ts';
import { commandListeners, findHost, useApp } from './store.ts';

/** Typing in the filter asks the host once it rests, milliseconds; so does what only it can place. */
const ASK_AFTER_MS = 150;
/** Questions at a time: a hand on the scroll bar passes hundreds of pages. */
const MAX_ASKING = 2;
/** Rows fetched ahead of what is seen, in both directions. */
const AHEAD_ROWS = 150;
/** Who jumps by more than a page is asked for once the hand rests, milliseconds: what flies past is not read. */
const REST_MS = 50;

export class CommandHistory {
  readonly rows = new HistoryRows();
  /** Everyone in what has been here so far. */
  readonly actors = new Map<string, Actor>();
  readonly #client: CmdopClient;
  readonly #filter: CommandFilter;
  readonly #listeners = new Set<() => void>();
  readonly #asking = new Set<number>();
  #seen = { first: 0, last: 0 };
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Runs while the hand moves. */
  #rest: ReturnType<typeof setTimeout> | null = null;
  /** Answers to questions from before are dropped. */
  #question = 0;
  version = 0;
  isLoading = true;
  error: string | null = null;

  constructor(asked: CmdopClient, filter: CommandFilter) {
    this.#client = asked;
    this.#filter = filter;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Asks how many there are, and for what is looked at; what is shown stays until then. */
  ask(afterMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#askAll(), afterMs);
  }

  /** These rows are looked at. */
  look(first: number, last: number): void {
    const isJump = Math.abs(first - this.#seen.first) > PAGE_ROWS;
    this.#seen = { first, last };
    if (!isJump) return this.#fetch();
    clearTimeout(this.#rest ?? undefined);
    this.#rest = setTimeout(() => {
      this.#rest = null;
      this.#fetch();
    }, REST_MS);
  }

  /** Where the record stands; null where it does not fit. */
  async placeOf(id: number): Promise<number | null> {
    return (await this.#client.request('history.count', { ...this.#params(), id })).place;
  }

  /** In front of which record each of these moments lies. */
  async placesOf(times: readonly number[]): Promise<number[]> {
    return (await this.#client.request('history.count', { ...this.#params(), times: [...times] })).places;
  }

  changed(command: CommandRecord): void {
    const place = this.rows.changed(command, matches(command, this.#filter));
    // Of all records an unknown one is in a page that is not here: it has no row to change.
    const { text, failed, actor } = this.#filter;
    if (place === 'unknown' && (failed || text !== '' || actor !== '')) this.ask(ASK_AFTER_MS);
    if (place === 'shown') this.#tell([command]);
  }

  /** Asks nothing more, until it is told to. */
  stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#rest ?? undefined);
    this.#rest = null;
    this.#question++;
    this.#asking.clear();
  }

  async #askAll(): Promise<void> {
    const asked = ++this.#question;
    this.#asking.clear();
    try {
      const { total } = await this.#client.request('history.count', this.#params());
      if (asked !== this.#question) return;
      const wasAtEnd = this.#seen.last >= this.rows.total - 1;
      this.rows.count(total);
      if (wasAtEnd) this.#seen = { first: total - 1, last: total - 1 };
      if (total === 0) this.#settled();
      this.#fetch();
    } catch (problem) {
      if (asked === this.#question) await this.#failed(problem);
    }
  }

  #fetch(): void {
    if (this.#rest !== null) return;
    const { first, last } = this.#seen;
    for (const [from, to] of [
      [first, last],
      [first - AHEAD_ROWS, last + AHEAD_ROWS],
    ] as const)
      for (const page of this.rows.missing(from, to))
        if (this.#asking.size < MAX_ASKING && !this.#asking.has(page)) void this.#fetchPage(page);
  }

  async #fetchPage(page: number): Promise<void> {
    const asked = this.#question;
    this.#asking.add(page);
    let isShort = false;
    try {
      const commands: CommandRecord[] = [];
      // One answer may hold less than a page: lines can be long.
      for (let isMore = true; isMore && commands.length < PAGE_ROWS; ) {
        const at = page * PAGE_ROWS + commands.length;
        const answer = await this.#client.request('history.list', { ...this.#params(), at, limit: PAGE_ROWS - commands.length });
        if (asked !== this.#question) return;
        commands.push(...answer.commands);
        isMore = answer.more === true && answer.commands.length > 0;
      }
      this.rows.setPage(page, commands);
      // Fewer than were counted: some were erased.
      isShort = commands.length < Math.min(PAGE_ROWS, this.rows.total - page * PAGE_ROWS);
      if (isShort) this.ask(ASK_AFTER_MS);
      this.#settled(commands);
    } catch (problem) {
      if (asked === this.#question) await this.#failed(problem);
    } finally {
      if (asked === this.#question) {
        this.#asking.delete(page);
        if (!isShort && this.error === null) this.#fetch();
      }
    }
  }

  #settled(commands: readonly CommandRecord[] = []): void {
    this.isLoading = false;
    this.error = null;
    this.#tell(commands);
  }

  /** A host that knows no places gives its newest. */
  async #failed(problem: unknown): Promise<void> {
    const isOlder = problem instanceof CmdopError && problem.code === 'unknown-method';
    this.isLoading = false;
    this.error = isOlder ? null : problem instanceof Error ? problem.message : String(problem);
    if (isOlder) {
      const asked = this.#question;
      const { commands } = await this.#client.request('history.list', { ...this.#params(), limit: PAGE_ROWS });
      if (asked !== this.#question) return;
      this.rows.count(commands.length);
      this.rows.setPage(0, commands);
      this.#tell(commands);
    } else this.#tell([]);
  }

  #params() {
    const { session, actor, text, failed } = this.#filter;
    return { ...(session ? { session } : {}), ...(actor ? { actor } : {}), ...(text ? { text } : {}), ...(failed ? { failed } : {}) };
  }

  #tell(commands: readonly CommandRecord[]): void {
    for (const { authors, submitter } of commands)
      for (const actor of submitter ? [...authors, submitter] : authors) this.actors.set(actor.id, actor);
    this.version++;
    for (const listener of this.#listeners) listener();
  }
}

/** Of one host; renders anew when something of it changed. */
export function useCommandHistory(host: string, { session, actor, text, failed }: CommandFilter): CommandHistory {
  const isConnected = useApp((state) => findHost(state, host)?.link.is === 'connected');
  const history = useMemo(() => new CommandHistory(client(host), { session, actor, text, failed }), [host, session, actor, text, failed]);
  useSyncExternalStore(history.subscribe, () => history.version);
  // What was found before is shown until there is something else, as long as it is of the same place.
  const shown = useRef({ history, host, session });
  if (!history.isLoading || shown.current.host !== host || shown.current.session !== session) shown.current = { history, host, session };
  useEffect(() => {
    if (!isConnected) return; // keeps what is shown
    history.ask(text ? ASK_AFTER_MS : 0);
    const listener = (from: string, command: CommandRecord) => {
      if (from === host) history.changed(command);
    };
    commandListeners.add(listener);
    return () => {
      commandListeners.delete(listener);
      history.stop();
    };
  }, [isConnected, history, host, text]);
  return shown.current.history;
}
