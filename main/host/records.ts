/** What the host remembers beside the chain: actors, sessions and command records, and how they are looked up. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { type ActorId, type ClientId, type Epoch, newActorId, type Offset, type Seq, type SessionId } from '#protocol/ids.ts';
import {
  ACTOR_COLORS,
  type Actor,
  actor as actorShape,
  type CommandRecord,
  type ControlMode,
  type InterfaceKind,
  type JournalEvent,
  type Role,
  type SessionEnd,
  type Size,
  type SizePolicy,
} from '#protocol/shapes.ts';
import type { Journal, JournalRow } from './journal.ts';
import { actorIds, anyPayload, controlPayload, fromJson, keptRefusal, resizePayload, storedSession } from './stored-shapes.ts';

/** What must be known of a session when its keeper is gone. */
export type StoredSession = {
  id: SessionId;
  name: string;
  command: string[];
  cwd: string;
  title: string;
  size: Size;
  createdAt: number;
  endedAt: number | null;
  end: SessionEnd | null;
  /** Which boot of the machine it began in. */
  bootId: string;
  /** Absent in sessions of older hosts. */
  access?: SessionAccess | undefined;
};

/** Who may do what in a session, as people have set it. */
export type SessionAccess = {
  controlMode: ControlMode;
  /** Here; every session of the host may be paused besides. */
  agentsPaused: boolean;
  sizePolicy: SizePolicy;
  /** Of those who have not the role that everybody has. */
  roles: { person: string; role: Role; isKicked: boolean }[];
};

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
  actors?: ActorId[];
  failed?: boolean;
  text?: string;
  since?: number;
  before?: number;
  limit: number;
};
export type EventFilter = { session?: SessionId; actors?: ActorId[]; kinds?: string[]; since?: number; after?: number; limit: number };

export class Records {
  readonly #journal: Journal;
  readonly #db: DatabaseSync;
  readonly #randomBytes: (n: number) => Uint8Array;
  readonly #actors = new Map<ActorId, Actor>();
  #nextCommand: number;

  constructor(options: { journal: Journal; randomBytes: (n: number) => Uint8Array }) {
    this.#journal = options.journal;
    this.#db = options.journal.database;
    this.#randomBytes = options.randomBytes;
    for (const row of this.#db.prepare('SELECT * FROM actors').all()) {
      const actor = actorShape.safeParse({ ...row }).data;
      if (actor) this.#actors.set(actor.id, actor);
    }
    const last = this.#db.prepare('SELECT max(id) AS id FROM commands').get() as { id: number | null };
    this.#nextCommand = (last.id ?? 0) + 1;
  }

  actor(id: ActorId): Actor | null {
    return this.#actors.get(id) ?? null;
  }

  /** The one actor of this name, kind and interface; made when first seen. */
  actorFor(who: { name: string; kind: Actor['kind']; interface: InterfaceKind; color?: number | undefined }): Actor {
    const all = [...this.#actors.values()];
    const known = all.find((actor) => actor.name === who.name && actor.kind === who.kind && actor.interface === who.interface);
    if (known) return known;
    // The same person keeps one colour everywhere; new people get the one that is rarest so far.
    const samePerson = all.find((actor) => actor.name === who.name && actor.kind === who.kind);
    const actor: Actor = {
      id: newActorId(this.#randomBytes),
      name: who.name,
      kind: who.kind,
      interface: who.interface,
      color: who.color ?? samePerson?.color ?? rarestColor(all),
    };
    this.#actors.set(actor.id, actor);
    this.#journal.attempt(() => {
      this.#db.prepare('INSERT INTO actors VALUES (?,?,?,?,?)').run(actor.id, actor.name, actor.kind, actor.interface, actor.color);
    });
    return actor;
  }

  /** Ids of the actors that `text` names: an id, or a name in any interface. */
  actorsNamed(text: string): ActorId[] {
    const wanted = text.toLowerCase();
    return [...this.#actors.values()].filter((actor) => actor.id === text || actor.name.toLowerCase() === wanted).map(({ id }) => id);
  }

  saveSession(session: StoredSession): void {
    this.#journal.attempt(() => {
      this.#db
        .prepare('INSERT INTO sessions VALUES (?,?,0,?) ON CONFLICT(id) DO UPDATE SET state = excluded.state')
        .run(session.id, session.createdAt, JSON.stringify(session));
    });
  }

  removeSession(id: SessionId): void {
    this.#journal.attempt(() => {
      this.#db.prepare('UPDATE sessions SET removed = 1 WHERE id = ?').run(id);
    });
  }

  /** Sessions that were taken off the list: their history stays. */
  removedSessions(): { id: SessionId; name: string }[] {
    const rows = this.#db.prepare('SELECT id, state FROM sessions WHERE removed = 1').all() as { id: SessionId; state: string }[];
    return rows.map(({ id, state }) => ({ id, name: fromJson(storedSession, state)?.name ?? id }));
  }

  sessions(): StoredSession[] {
    const rows = this.#db.prepare('SELECT state FROM sessions WHERE removed = 0 ORDER BY created_at').all() as { state: string }[];
    // A damaged row costs its session's name, if its keeper lives, and its place in the list; never the others.
    return rows.flatMap(({ state }) => (fromJson(storedSession, state) as StoredSession | null) ?? []);
  }

  newCommandId(): number {
    return this.#nextCommand++;
  }

  saveCommand(command: StoredCommand): void {
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

  /** Oldest first; of more than `limit`, the newest. */
  commands(filter: CommandFilter): StoredCommand[] {
    const { where, values } = conditions([
      ['session = ?', filter.session],
      ['id < ?', filter.before],
      ['started_at >= ?', filter.since],
      ['instr(lower(text), ?) > 0', filter.text?.toLowerCase()],
    ]);
    if (filter.failed) where.push('exit_code IS NOT NULL AND exit_code <> 0');
    if (filter.actors) {
      const marks = filter.actors.map(() => '?').join(',');
      where.push(`(submitter IN (${marks}) OR EXISTS (SELECT 1 FROM json_each(authors) WHERE value IN (${marks})))`);
      values.push(...filter.actors, ...filter.actors);
    }
    const sql = `SELECT * FROM commands ${clause(where)} ORDER BY id DESC LIMIT ?`;
    const rows = this.#db.prepare(sql).all(...values, filter.limit) as CommandRow[];
    return rows.reverse().map(fromRow);
  }

  /** The last record that began at or before an output offset, and the first one after it. */
  commandsAround(session: SessionId, offset: Offset): { before: StoredCommand | null; after: StoredCommand | null } {
    const before = this.#db.prepare(
      'SELECT * FROM commands WHERE session = ? AND from_offset <= ? ORDER BY from_offset DESC, id DESC LIMIT 1',
    );
    const after = this.#db.prepare('SELECT * FROM commands WHERE session = ? AND from_offset > ? ORDER BY from_offset, id LIMIT 1');
    const [first, second] = [before, after].map((found) => found.get(session, offset) as CommandRow | undefined);
    return { before: first ? fromRow(first) : null, after: second ? fromRow(second) : null };
  }

  /** Command records without an end, of sessions that a host has to look after again. */
  openCommands(session: SessionId): StoredCommand[] {
    const open = this.#db.prepare('SELECT * FROM commands WHERE session = ? AND ended_at IS NULL ORDER BY id');
    return this.#journal.readOr([], () => (open.all(session) as CommandRow[]).map(fromRow));
  }

  events(filter: EventFilter): JournalEvent[] {
    const { where, values } = conditions([
      ['session = ?', filter.session],
      ['seq > ?', filter.after],
      ['at >= ?', filter.since],
    ]);
    for (const [column, wanted] of [
      ['kind', filter.kinds],
      ['actor', filter.actors],
    ] as const) {
      if (!wanted) continue;
      where.push(`${column} IN (${wanted.map(() => '?').join(',')})`);
      values.push(...wanted);
    }
    // Without a starting point people want the latest, in order.
    const order = filter.after === undefined ? 'DESC' : 'ASC';
    this.#journal.fold();
    const rows = this.#db.prepare(`SELECT * FROM events ${clause(where)} ORDER BY seq ${order} LIMIT ?`).all(...values, filter.limit);
    const events = (rows as JournalRow[]).map((row) => this.event(row));
    return order === 'DESC' ? events.reverse() : events;
  }

  /** Control as it was left: what a new host must know to judge a returning client. */
  lastControl(session: SessionId): { epoch: Epoch; lastHolder: ClientId | null } {
    this.#journal.fold();
    const last = this.#db.prepare("SELECT payload FROM events WHERE session = ? AND kind = 'control' ORDER BY seq DESC LIMIT 1");
    const row = this.#journal.readOr(undefined, () => last.get(session) as { payload: string } | undefined);
    const control = row ? fromJson(controlPayload, row.payload) : null;
    return control ? { epoch: control.epoch, lastHolder: control.client } : { epoch: 0 as Epoch, lastHolder: null };
  }

  /** Units that were refused while control stayed, oldest first: what a new host must tell a returning client. */
  keptRefusals(session: SessionId): { client: ClientId; seq: Seq; reason: string }[] {
    this.#journal.fold();
    const latest = this.#db.prepare("SELECT payload FROM events WHERE session = ? AND kind = 'refused' ORDER BY seq DESC LIMIT 4096");
    const rows = this.#journal.readOr([], () => latest.all(session) as { payload: string }[]);
    return rows.reverse().flatMap(({ payload }) => {
      const refusal = fromJson(keptRefusal, payload);
      return refusal ? [{ client: refusal.client, seq: refusal.seq, reason: refusal.message }] : [];
    });
  }

  /** Resizes at or after `from`, in order. */
  resizes(session: SessionId, from: Offset): { offset: Offset; size: Size }[] {
    this.#journal.fold();
    const resized = this.#db.prepare(
      "SELECT output_offset, payload FROM events WHERE session = ? AND kind = 'resize' AND output_offset >= ? ORDER BY seq",
    );
    const rows = this.#journal.readOr([], () => resized.all(session, from) as { output_offset: number; payload: string }[]);
    return rows.flatMap(({ output_offset, payload }) => {
      const size = fromJson(resizePayload, payload);
      return size ? { offset: output_offset as Offset, size } : [];
    });
  }

  /** A record of the chain as clients see it. */
  event({ seq, session, at, actor, interface: via, kind, output_offset, payload }: JournalRow): JournalEvent {
    return {
      seq,
      session,
      at,
      actor,
      actorName: actor ? (this.actor(actor)?.name ?? null) : null,
      interface: via,
      kind,
      outputOffset: output_offset as Offset | null,
      payload: fromJson(anyPayload, String(payload)) ?? {},
    };
  }
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

function conditions(parts: [string, SQLInputValue | undefined][]): { where: string[]; values: SQLInputValue[] } {
  const given = parts.filter((part): part is [string, SQLInputValue] => part[1] !== undefined);
  return { where: given.map(([condition]) => condition), values: given.map(([, value]) => value) };
}

const clause = (where: string[]) => (where.length > 0 ? `WHERE ${where.join(' AND ')}` : '');

function rarestColor(actors: Actor[]): number {
  const uses = Array.from({ length: ACTOR_COLORS }, (_, color) => actors.filter((actor) => actor.color === color).length);
  return uses.indexOf(Math.min(...uses));
}
