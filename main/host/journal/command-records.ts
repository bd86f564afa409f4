/** The command records that the host keeps: one row each, found by session, actor, text, time and output offset. */
import type { DatabaseSync } from 'node:sqlite';
import type { ActorId, ClientId, Offset, SessionId } from '#protocol/ids.ts';
import type { CommandRecord } from '#protocol/shapes.ts';
import type { Journal } from './journal.ts';
import { conditions, whereClause, without } from './sql-conditions.ts';
import { actorIds, fromJson } from './stored-shapes.ts';

/** A command record as stored: people by id. */
export type StoredCommand = Omit<CommandRecord, 'id' | 'sessionName' | 'authors' | 'submitter'> & {
  id: number;
  authors: ActorId[];
  submitter: ActorId | null;
};

type CommandRow = {
  id: number;
  session: SessionId;
  text: string;
  authors: string;
  submitter: ActorId | null;
  client: ClientId | null;
  unit_seq: number | null;
  cwd: string;
  started_at: number;
  ended_at: number | null;
  duration_ms: number | null;
  exit_code: number | null;
  from_offset: number;
  to_offset: number | null;
  source: 'shell' | 'line';
};

export type CommandFilter = {
  session?: SessionId;
  /** Of these, nothing. */
  hidden?: readonly SessionId[];
  actors?: ActorId[];
  failed?: boolean;
  text?: string;
  since?: number;
};
/** `at`: a place among those that fit, the oldest has 0. */
export type CommandCount = { total: number; place: number | null; places: number[] };
export type CommandPage = CommandFilter & { before?: number; at?: number; limit: number };

export type CommandSearch = {
  text: string;
  regex: boolean;
  ignoreCase: boolean;
  session?: SessionId | undefined;
  since?: number | undefined;
  before?: number | undefined;
  limit: number;
  /** Whether a command line is what is looked for. */
  matches(text: string): boolean;
  isIn(session: SessionId): boolean;
  /** Nobody waits for it any more: false. */
  isWanted(): boolean;
};

/** Records looked at in one turn of this thread, where SQLite compares and where it is done here: a millisecond or two. */
const SEARCH_RECORDS = { plain: 4096, else: 384 };

export class CommandRecords {
  readonly #journal: Journal;
  #next: number;

  constructor(journal: Journal) {
    this.#journal = journal;
    // Numbers of what was erased are not used again.
    const last = this.#db
      .prepare(
        "SELECT max((SELECT coalesce(max(id), 0) FROM commands), coalesce((SELECT value FROM counters WHERE name = 'command'), 0)) AS id",
      )
      .get() as { id: number };
    this.#next = last.id + 1;
  }

  /** Asked each time: it may be another one by now. */
  get #db(): DatabaseSync {
    return this.#journal.database;
  }

  newId(): number {
    return this.#next++;
  }

  save(command: StoredCommand): void {
    const { unit } = command;
    this.#journal.attempt(() => {
      this.#db
        .prepare(
          `INSERT INTO commands VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET
             ended_at = excluded.ended_at, duration_ms = excluded.duration_ms, exit_code = excluded.exit_code, to_offset = excluded.to_offset`,
        )
        .run(
          command.id,
          command.session,
          command.text,
          JSON.stringify(command.authors),
          command.submitter,
          unit?.client ?? null,
          unit?.seq ?? null,
          command.cwd,
          command.startedAt,
          command.endedAt,
          command.durationMs,
          command.exitCode,
          command.from,
          command.to,
          command.source,
        );
    });
  }

  /** Whether there is a record of this number, and of this session. */
  isOf(session: SessionId, id: number): boolean {
    const found = this.#db.prepare('SELECT 1 FROM commands WHERE id = ? AND session = ?');
    return this.#journal.readOr(false, () => found.get(id, session) !== undefined);
  }

  /** How many there are of each session. */
  counts(): Map<SessionId, number> {
    const rows = this.#db.prepare('SELECT session, count(*) AS count FROM commands GROUP BY session').all() as {
      session: SessionId;
      count: number;
    }[];
    return new Map(rows.map(({ session, count }) => [session, count]));
  }

  /** Oldest first; of more than `limit` the newest, or those from a place on. */
  list({ before, at, limit, ...filter }: CommandPage): StoredCommand[] {
    const { where, values } = fitting(filter);
    if (at !== undefined) {
      const page = this.#db.prepare(`SELECT * FROM commands ${whereClause(where)} ORDER BY id LIMIT ? OFFSET ?`);
      return (page.all(...values, limit, at) as CommandRow[]).map(fromRow);
    }
    if (before !== undefined) {
      where.push('id < ?');
      values.push(before);
    }
    const page = this.#db.prepare(`SELECT * FROM commands ${whereClause(where)} ORDER BY id DESC LIMIT ?`);
    return (page.all(...values, limit) as CommandRow[]).reverse().map(fromRow);
  }

  /** How many fit, and places among them; see `history.count`. */
  count(filter: CommandFilter, { id, times }: { id?: number | undefined; times: readonly number[] }): CommandCount {
    const { where, values } = fitting(filter);
    const count = (...more: [condition: string, value: number][]) => {
      const clause = whereClause([...where, ...more.map(([condition]) => condition)]);
      const found = this.#db.prepare(`SELECT count(*) AS count FROM commands ${clause}`).get(...values, ...more.map(([, value]) => value));
      return Number(found?.count ?? 0);
    };
    const isThere = id !== undefined && count(['id = ?', id]) > 0;
    return { total: count(), place: isThere ? count(['id < ?', id]) : null, places: this.#placesOf(filter, times) };
  }

  #placesOf(filter: CommandFilter, times: readonly number[]): number[] {
    if (times.length === 0) return [];
    const { where, values } = fitting(filter);
    const rows = this.#db.prepare(`SELECT started_at FROM commands ${whereClause(where)} ORDER BY id`).all(...values);
    let latest = 0;
    const begunBy = rows.map((row) => {
      latest = Math.max(latest, Number(row.started_at));
      return latest;
    });
    return times.map((time) => firstAtLeast(begunBy, time));
  }

  /**
   * Newest first; `more`: older ones may fit. In turns, so that nobody waits for it: without an index it finds the rarest of
   * 100 000 in 20 ms, and neither a start nor a command pays for one.
   */
  async search(wanted: CommandSearch): Promise<{ commands: StoredCommand[]; more: boolean }> {
    // SQLite folds the case of ASCII alone, and knows no expressions: then it narrows down nothing.
    const isPlain = !wanted.regex && /^[\x20-\x7e]*$/.test(wanted.text);
    const column = wanted.ignoreCase ? 'lower(text)' : 'text';
    const { where, values } = conditions([
      ['session = ?', wanted.session],
      ['started_at >= ?', wanted.since],
      [`instr(${column}, ?) > 0`, isPlain ? (wanted.ignoreCase ? wanted.text.toLowerCase() : wanted.text) : undefined],
    ]);
    const page = this.#db.prepare(`SELECT * FROM commands ${whereClause(['id < ?', 'id >= ?', ...where])} ORDER BY id DESC`);
    const commands: StoredCommand[] = [];
    const window = isPlain ? SEARCH_RECORDS.plain : SEARCH_RECORDS.else;
    for (let before = Math.min(wanted.before ?? this.#next, this.#next); before > 0 && wanted.isWanted(); before -= window) {
      const rows = this.#journal.readOr([], () => page.all(before, before - window, ...values) as CommandRow[]);
      for (const row of rows) {
        if (!wanted.isIn(row.session) || !wanted.matches(row.text)) continue;
        if (commands.length === wanted.limit) return { commands, more: true };
        commands.push(fromRow(row));
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { commands, more: false };
  }

  /** The last record that began at or before an output offset, and the first one after it. */
  around(session: SessionId, offset: Offset): { before: StoredCommand | null; after: StoredCommand | null } {
    const before = this.#db.prepare(
      'SELECT * FROM commands WHERE session = ? AND from_offset <= ? ORDER BY from_offset DESC, id DESC LIMIT 1',
    );
    const after = this.#db.prepare('SELECT * FROM commands WHERE session = ? AND from_offset > ? ORDER BY from_offset, id LIMIT 1');
    const [first, second] = [before, after].map((found) => found.get(session, offset) as CommandRow | undefined);
    return { before: first ? fromRow(first) : null, after: second ? fromRow(second) : null };
  }

  /** Command records without an end, of sessions that a host has to look after again. */
  open(session: SessionId): StoredCommand[] {
    const found = this.#db.prepare('SELECT * FROM commands WHERE session = ? AND ended_at IS NULL ORDER BY id');
    return this.#journal.readOr([], () => (found.all(session) as CommandRow[]).map(fromRow));
  }
}

/** The index of the first that is no less, in ascending order; their number where none is. */
function firstAtLeast(ascending: readonly number[], wanted: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function fitting(filter: CommandFilter): ReturnType<typeof conditions> {
  const { where, values } = conditions([
    ['session = ?', filter.session],
    ['started_at >= ?', filter.since],
    ['instr(lower(text), ?) > 0', filter.text?.toLowerCase()],
  ]);
  if (filter.hidden) where.push(without(filter.hidden, values));
  if (filter.failed) where.push('exit_code IS NOT NULL AND exit_code <> 0');
  if (filter.actors) {
    const marks = filter.actors.map(() => '?').join(',');
    where.push(`(submitter IN (${marks}) OR EXISTS (SELECT 1 FROM json_each(authors) WHERE value IN (${marks})))`);
    values.push(...filter.actors, ...filter.actors);
  }
  return { where, values };
}

function fromRow(row: CommandRow): StoredCommand {
  return {
    id: row.id,
    session: row.session,
    text: row.text,
    authors: fromJson(actorIds, row.authors) ?? [],
    submitter: row.submitter,
    unit: row.client && row.unit_seq !== null ? { client: row.client, seq: row.unit_seq as never } : null,
    cwd: row.cwd,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    durationMs: row.duration_ms,
    exitCode: row.exit_code,
    from: row.from_offset as Offset,
    to: row.to_offset as Offset | null,
    source: row.source,
  };
}
