/**
 * Who did what, append-only and hash-chained, in SQLite; the only file that opens the database.
 *
 * Invariant 4: no byte reaches a PTY before the journal names its actor. `append` has the record in the operating
 * system's hands when it returns (WAL), so that a crash of this process loses none; a power cut loses at most the last
 * second. When the disk refuses, records wait in memory in order, the session goes on, and `problem` says so.
 */
import { createHash } from 'node:crypto';
import { close, fsync, open as openFile } from 'node:fs';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { ActorId, Offset, SessionId } from '#protocol/ids.ts';
import type { InterfaceKind, VerifyReport } from '#protocol/shapes.ts';
import { IN_MEMORY, isDamage, openJournalFile } from './journal-file.ts';

export { IN_MEMORY };

/** Records that wait in memory while the disk refuses; beyond it the oldest are counted and dropped. */
const MAX_WAITING = 100_000;
/** How often a refused write is tried again, milliseconds. */
const RETRY_MS = 1_000;
/** A power cut may lose this much, milliseconds. */
const SYNC_MS = 1_000;
const VERIFY_BATCH = 2_000;
/** Without a write for this long nobody waits for this process, milliseconds. */
const QUIET_MS = 750;
/** Writes in the WAL beyond which it is moved into the database in any case: about 40 MB. */
const MAX_UNMOVED = 4_000;

export type JournalKind =
  | 'host'
  | 'session'
  | 'attach'
  | 'detach'
  | 'control'
  | 'role'
  | 'agents'
  | 'request'
  | 'size'
  | 'input'
  | 'refused'
  | 'resize'
  | 'signal'
  | 'command'
  | 'approval'
  | 'policy'
  | 'gap'
  | 'adopt'
  | 'rename';

export type JournalRecord = {
  session: SessionId | null;
  actor: ActorId | null;
  interface: InterfaceKind | null;
  kind: JournalKind;
  outputOffset: Offset | null;
  payload: Record<string, unknown>;
};

/** A record as it lies in the chain. */
export type JournalRow = {
  seq: number;
  session: SessionId | null;
  at: number;
  actor: ActorId | null;
  interface: InterfaceKind | null;
  kind: string;
  output_offset: number | null;
  payload: string;
  prev_hash: string;
  hash: string;
};

export class Journal {
  readonly #wallNow: () => number;
  readonly #file: string;
  #db: DatabaseSync;
  #insert: StatementSync;
  #seq: number;
  #lastHash: string;
  #waiting: SQLInputValue[][] = [];
  #retryTimer: NodeJS.Timeout | null = null;
  #syncTimer: NodeJS.Timeout | null = null;
  /** Writes that are in the WAL only, and when the last one was. */
  #unmoved = 0;
  #writtenAt = 0;
  #problem: string | null = null;
  #isDisposed = false;
  /** Told when `problem` changed. */
  onProblem: () => void = () => {};
  /** Told of every record, once it is in the chain. */
  onAppended: (row: JournalRow) => void = () => {};

  /**
   * Opens or makes the journal. A damaged file is set aside, named in `problem`, and a new chain begins; throws only when
   * no database can be made at all.
   */
  constructor(options: { file: string; wallNow: () => number }) {
    this.#wallNow = options.wallNow;
    this.#file = options.file;
    const { db, problem } = openJournalFile(options.file, options.wallNow());
    this.#db = db;
    this.#problem = problem;
    this.#insert = this.#db.prepare('INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?)');
    const last = this.#db.prepare('SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1').get() as
      | { seq: number; hash: string }
      | undefined;
    this.#seq = last?.seq ?? 0;
    this.#lastHash = last?.hash ?? '';
  }

  /** For the tables beside the chain (records.ts). */
  get database(): DatabaseSync {
    return this.#db;
  }

  /** What is wrong, a sentence, or null. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Number of the last record; 0 where there is none. */
  get lastSeq(): number {
    return this.#seq;
  }

  append(record: JournalRecord): void {
    if (this.#isDisposed) return; // the chain is the next host's
    const content = {
      seq: ++this.#seq,
      session: record.session,
      at: this.#wallNow(),
      actor: record.actor,
      interface: record.interface,
      kind: record.kind,
      output_offset: record.outputOffset,
      payload: JSON.stringify(record.payload),
      prev_hash: this.#lastHash,
    };
    this.#lastHash = hashOf(content);
    const appended: JournalRow = { ...content, hash: this.#lastHash };
    this.#write(Object.values(appended));
    this.onAppended(appended);
  }

  #write(row: SQLInputValue[]): void {
    if (this.#waiting.length === 0) {
      try {
        this.#insert.run(...row);
        this.#scheduleSync();
        return;
      } catch (error) {
        this.#fails(error);
      }
    }
    this.#waiting.push(row);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift(); // `verify` names the hole
  }

  /** Runs `write`, and turns a refusal of the disk into `problem` instead of an exception. */
  attempt(write: () => void): void {
    if (this.#isDisposed) return;
    try {
      write();
      this.#scheduleSync();
    } catch (error) {
      this.#fails(error);
    }
  }

  /** What `read` finds; `otherwise` where the database is damaged there, which is told. */
  readOr<T>(otherwise: T, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#setProblem(`the journal is damaged (${(error as Error).message}): \`cmdop verify\` tells where; sessions go on`);
      return otherwise;
    }
  }

  /** Checks every record against its chain, a batch at a time. */
  async verify(): Promise<VerifyReport> {
    const batch = this.#db.prepare('SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?');
    let previous = { seq: 0, hash: '' };
    let records = 0;
    for (;;) {
      let rows: JournalRow[];
      try {
        rows = batch.all(previous.seq, VERIFY_BATCH) as JournalRow[];
      } catch (error) {
        return { ok: false, records, broken: { seq: previous.seq + 1, reason: `cannot be read: ${(error as Error).message}` } };
      }
      if (rows.length === 0) return { ok: true, records, broken: null };
      for (const row of rows) {
        const reason = fault(row, previous);
        if (reason) return { ok: false, records, broken: { seq: row.seq, reason } };
        previous = row;
        records++;
      }
      await new Promise((resolve) => setImmediate(resolve)); // let sessions go on
    }
  }

  dispose(): void {
    if (this.#retryTimer) clearTimeout(this.#retryTimer);
    if (this.#syncTimer) clearTimeout(this.#syncTimer);
    this.#retry();
    if (this.#retryTimer) clearTimeout(this.#retryTimer);
    this.#isDisposed = true;
    try {
      this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      this.#db.close();
    } catch {
      // the disk refuses still; what was written stays in the WAL
    }
  }

  #fails(error: unknown): void {
    const code = (error as { errstr?: string }).errstr ?? (error as Error).message;
    this.#setProblem(
      `the journal cannot be written (${code}): make room for ${this.#file}; input is still recorded in memory and sessions go on`,
    );
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = null;
      this.#retry();
    }, RETRY_MS);
  }

  #retry(): void {
    try {
      for (let row = this.#waiting[0]; row; row = this.#waiting[0]) {
        this.#insert.run(...row);
        this.#waiting.shift();
      }
      this.#setProblem(null);
    } catch (error) {
      this.#fails(error);
    }
  }

  /** Once a second at most, and only after writes. */
  #scheduleSync(): void {
    this.#unmoved++;
    this.#writtenAt = performance.now();
    this.#syncTimer ??= setTimeout(this.#sync, SYNC_MS);
  }

  /** Off this thread: an fsync can take longer than a person waits for a keystroke. */
  readonly #sync = (): void => {
    this.#syncTimer = null;
    if (this.#isDisposed) return;
    const isQuiet = performance.now() - this.#writtenAt > QUIET_MS;
    if (isQuiet || this.#unmoved > MAX_UNMOVED) this.#moveToDatabase();
    else this.#syncTimer = setTimeout(this.#sync, SYNC_MS);
    openFile(`${this.#file}-wal`, 'r', (openError, fd) => {
      if (openError) return; // no WAL: everything is in the database
      fsync(fd, (error) => {
        close(fd);
        if (error) this.#fails(error);
      });
    });
  };

  /** On this thread, and it waits for the disk: so while nobody types, or when the WAL has grown long. */
  #moveToDatabase(): void {
    try {
      this.#db.exec('PRAGMA wal_checkpoint(PASSIVE)');
      this.#unmoved = 0;
    } catch (error) {
      this.#fails(error);
    }
  }

  #setProblem(problem: string | null): void {
    if (this.#problem === problem) return;
    this.#problem = problem;
    this.onProblem();
  }
}

function hashOf(row: Omit<JournalRow, 'hash'>): string {
  const { seq, session, at, actor, interface: interfaceKind, kind, output_offset, payload, prev_hash } = row;
  return createHash('sha256')
    .update(JSON.stringify([prev_hash, seq, session, at, actor, interfaceKind, kind, output_offset, payload]))
    .digest('hex');
}

function fault(row: JournalRow, previous: { seq: number; hash: string }): string | null {
  if (row.seq !== previous.seq + 1) return `${row.seq - previous.seq - 1} records before it are missing`;
  if (row.prev_hash !== previous.hash) return 'it does not follow the record before it';
  if (hashOf(row) !== row.hash) return 'its content was changed';
  return null;
}
