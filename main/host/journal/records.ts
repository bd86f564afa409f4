/** What the host remembers beside the chain: actors, sessions and command records, and how they are looked up. */
import type { DatabaseSync } from 'node:sqlite';
import { type ActorId, type ClientId, type Epoch, newActorId, type Offset, type Seq, type SessionId } from '#protocol/ids.ts';
import { ACTOR_COLORS, type Actor, actor as actorShape, type JournalEvent, type SessionEnd, type Size } from '#protocol/shapes.ts';
import { MAX_DROPPED_UNITS } from '#session/input-ledger.ts';
import { shownCommand } from '#session/shown-command.ts';
import { CommandRecords } from './command-records.ts';
import type { Journal, JournalRow } from './journal.ts';
import { conditions, whereClause, without } from './sql-conditions.ts';
import type { SessionAccess } from './stored-shapes.ts';
import {
  anyPayload,
  attachPayload,
  controlPayload,
  delegationPayload,
  fromJson,
  inputPayload,
  keptRefusal,
  resizePayload,
  storedSession,
} from './stored-shapes.ts';

/** Of one record, characters: what is larger is told in part. */
const MAX_TOLD_PAYLOAD = 64 * 1024;

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
  /** Never removed by limits. */
  isPinned?: boolean | undefined;
};

/** Whom typing was delegated to, in which epoch of control; `seq`: the last unit of theirs on record. */
export type Typist = { readonly client: ClientId; readonly actor: Actor; readonly epoch: Epoch; readonly seq: Seq };

export type EventFilter = {
  session?: SessionId;
  /** Of these, nothing. */
  hidden?: readonly SessionId[];
  actors?: ActorId[];
  kinds?: string[];
  since?: number;
  after?: number;
  before?: number;
  limit: number;
};

export class Records {
  readonly commands: CommandRecords;
  readonly #journal: Journal;
  readonly #randomBytes: (n: number) => Uint8Array;
  readonly #actors = new Map<ActorId, Actor>();

  constructor(options: { journal: Journal; randomBytes: (n: number) => Uint8Array }) {
    this.#journal = options.journal;
    this.#randomBytes = options.randomBytes;
    for (const table of ['actors', 'guest_actors']) {
      for (const row of this.#db.prepare(`SELECT * FROM ${table}`).all()) {
        const actor = actorShape.safeParse({ ...row }).data;
        if (actor) this.#actors.set(actor.id, actor);
      }
    }
    this.commands = new CommandRecords(options.journal);
  }

  /** Asked each time: it may be another one by now. */
  get #db(): DatabaseSync {
    return this.#journal.database;
  }

  actor(id: ActorId): Actor | null {
    return this.#actors.get(id) ?? null;
  }

  /** Everybody who was ever here, once for each interface. */
  actors(): Iterable<Actor> {
    return this.#actors.values();
  }

  /** The one actor of this name, kind and interface, and of this invite if it is a guest; made when first seen. */
  actorFor(who: Pick<Actor, 'name' | 'kind' | 'interface' | 'guest'> & { color?: number | undefined }): Actor {
    const all = [...this.#actors.values()];
    const alike = all.filter((actor) => actor.name === who.name && actor.kind === who.kind && actor.guest === who.guest);
    const known = alike.find((actor) => actor.interface === who.interface);
    if (known) return known;
    // The same person keeps one colour everywhere; new people get the one that is rarest so far.
    const [samePerson] = alike;
    const actor: Actor = {
      id: newActorId(this.#randomBytes),
      name: who.name,
      kind: who.kind,
      interface: who.interface,
      color: who.color ?? samePerson?.color ?? rarestColor(all),
      ...(who.guest === undefined ? {} : { guest: who.guest }),
    };
    this.#actors.set(actor.id, actor);
    this.#journal.attempt(() => {
      const { id, name, kind, interface: via, color, guest } = actor;
      if (guest === undefined) this.#db.prepare('INSERT INTO actors VALUES (?,?,?,?,?)').run(id, name, kind, via, color);
      else this.#db.prepare('INSERT INTO guest_actors VALUES (?,?,?,?,?,?)').run(id, name, kind, via, color, guest);
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

  /** The same with all that is known of them. */
  removedStored(): StoredSession[] {
    const rows = this.#db.prepare('SELECT state FROM sessions WHERE removed = 1 ORDER BY created_at').all() as { state: string }[];
    return rows.flatMap(({ state }) => (fromJson(storedSession, state) as StoredSession | null) ?? []);
  }

  sessions(): StoredSession[] {
    const rows = this.#db.prepare('SELECT state FROM sessions WHERE removed = 0 ORDER BY created_at').all() as { state: string }[];
    // A damaged row costs its session's name, if its keeper lives, and its place in the list; never the others.
    return rows.flatMap(({ state }) => (fromJson(storedSession, state) as StoredSession | null) ?? []);
  }

  events(filter: EventFilter): JournalEvent[] {
    const { where, values } = conditions([
      ['session = ?', filter.session],
      ['seq > ?', filter.after],
      ['seq < ?', filter.before],
      ['at >= ?', filter.since],
    ]);
    if (filter.hidden) where.push(without(filter.hidden, values));
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
    const rows = this.#db.prepare(`SELECT * FROM events ${whereClause(where)} ORDER BY seq ${order} LIMIT ?`).all(...values, filter.limit);
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
  keptRefusals(session: SessionId): { client: ClientId; seq: Seq; to: Seq; reason: string }[] {
    this.#journal.fold();
    const latest = this.#db.prepare("SELECT payload FROM events WHERE session = ? AND kind = 'refused' ORDER BY seq DESC LIMIT 4096");
    const rows = this.#journal.readOr([], () => latest.all(session) as { payload: string }[]);
    return rows.reverse().flatMap(({ payload }) => {
      const refusal = fromJson(keptRefusal, payload);
      if (!refusal) return [];
      const { client, seq, to = seq, message } = refusal;
      return to < seq || to - seq >= MAX_DROPPED_UNITS ? [] : [{ client, seq, to, reason: message }];
    });
  }

  /** Who typed last over `client`, as the journal has it. */
  typistOf(session: SessionId, client: ClientId): Actor | null {
    this.#journal.fold();
    const last = this.#db.prepare(
      "SELECT actor FROM events WHERE session = ? AND kind = 'input' AND json_extract(payload, '$.client') = ? ORDER BY seq DESC LIMIT 1",
    );
    const row = this.#journal.readOr(undefined, () => last.get(session, client) as { actor: ActorId | null } | undefined);
    return row?.actor ? this.actor(row.actor) : null;
  }

  /** Whom typing was delegated to last, or when it was to this client, and their last unit on record; null: nobody. */
  lastDelegated(session: SessionId, client: ClientId | null = null): Typist | null {
    this.#journal.fold();
    const last = this.#db.prepare(
      "SELECT actor, payload FROM events WHERE session = ?1 AND kind = 'delegation' AND (?2 IS NULL OR json_extract(payload, '$.client') = ?2) ORDER BY seq DESC LIMIT 1",
    );
    const unit = this.#db.prepare(
      "SELECT payload FROM events WHERE session = ? AND kind IN ('input', 'refused') AND json_extract(payload, '$.client') = ? ORDER BY seq DESC LIMIT 1",
    );
    const row = this.#journal.readOr(undefined, () => last.get(session, client) as { actor: ActorId; payload: string } | undefined);
    const to = row ? fromJson(delegationPayload, row.payload) : null;
    const actor = row ? this.actor(row.actor) : null;
    if (!to || !actor) return null;
    const typed = this.#journal.readOr(undefined, () => unit.get(session, to.client) as { payload: string } | undefined);
    const known = typed && fromJson(inputPayload, typed.payload);
    return { ...to, actor, seq: known?.to ?? known?.seq ?? (0 as Seq) };
  }

  /**
   * By which invite a client attached last; null: by none, it is an owner's; undefined: it never did. Input and control
   * are known by the client's id alone.
   */
  inviteOfClient(session: SessionId, client: ClientId): string | null | undefined {
    this.#journal.fold();
    const attaches = this.#db.prepare(
      "SELECT payload FROM events WHERE session = ? AND kind = 'attach' AND instr(payload, ?) > 0 ORDER BY seq DESC",
    );
    const rows = this.#journal.readOr([], () => attaches.all(session, JSON.stringify(client)) as { payload: string }[]);
    const last = rows.flatMap(({ payload }) => fromJson(attachPayload, payload) ?? []).find((each) => each.client === client);
    return last && (last.authentication?.invite ?? null);
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

  /** When output was where, as far as events tell that happened in it: for sessions whose output has no times of its own. */
  timesOfEvents(session: SessionId, range: { from: Offset; to: Offset }): { offset: number; at: number }[] {
    this.#journal.fold();
    const told = this.#db.prepare(
      'SELECT output_offset AS offset, min(at) AS at FROM events WHERE session = ? AND output_offset >= ? AND output_offset < ? GROUP BY output_offset ORDER BY output_offset LIMIT 20000',
    );
    return this.#journal.readOr([], () => told.all(session, range.from, range.to) as { offset: number; at: number }[]);
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
      payload: toldPayload(String(payload)),
    };
  }
}

/** What a record holds, as far as an answer and an event have room for it: the journal itself keeps all of it. */
function toldPayload(json: string): JournalEvent['payload'] {
  const payload = fromJson(anyPayload, json) ?? {};
  if (json.length <= MAX_TOLD_PAYLOAD) return payload;
  const command = Array.isArray(payload.command) ? { command: shownCommand(payload.command.map(String)) } : {};
  const told = { ...payload, ...command };
  return JSON.stringify(told).length <= MAX_TOLD_PAYLOAD ? told : { is: payload.is, characters: json.length };
}

function rarestColor(actors: Actor[]): number {
  const uses = Array.from({ length: ACTOR_COLORS }, (_, color) => actors.filter((actor) => actor.color === color).length);
  return uses.indexOf(Math.min(...uses));
}
