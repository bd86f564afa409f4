/**
 * Who did what, append-only and hash-chained, in SQLite; the only file that opens the database.
 *
 * Invariant 4: no byte reaches a PTY before the journal names its actor. `append` has the record in the operating
 * system's hands when it returns (journal-tail.ts), so that a crash of this process loses none; a power cut loses at most
 * the last second. The database gets it a little later, off a keystroke's way. When the disk refuses, records wait in
 * memory in order, the session goes on, and `problem` says so.
 */
import { close, fsync, open as openFile } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { VerifyReport } from '#protocol/shapes.ts';
import { chainHash, verifyChain } from './journal-chain.ts';
import { IN_MEMORY, isDamage, openJournalFile } from './journal-file.ts';
import type { JournalRecord, JournalRow } from './journal-record.ts';
import { JournalTail, type TailRow } from './journal-tail.ts';

export type { JournalKind, JournalRecord, JournalRow } from './journal-record.ts';
export { IN_MEMORY };

/** Records that wait in memory while the disk refuses; beyond it the oldest are counted and dropped. */
const MAX_WAITING = 100_000;
/** How often a refused write is tried again, milliseconds. */
const RETRY_MS = 1_000;
/** A power cut may lose this much, milliseconds. */
const SYNC_MS = 1_000;
/** Records that go into the database at once: half a millisecond of this thread, 3 µs each instead of 17 alone. */
const FOLD_RECORDS = 64;
/** Left to a keystroke that brought a record, until its echo is on the way, milliseconds. */
const FOLD_AFTER_MS = 5;
/** Of them, this many grow the WAL by what one write of its own does. */
const FOLDED_PER_WRITE = 16;
/** Without a write for this long nobody waits for this process, milliseconds. */
const QUIET_MS = 750;
/** Writes in the WAL beyond which it is moved into the database in any case: about 40 MB. */
const MAX_UNMOVED = 4_000;

export class Journal {
  readonly #wallNow: () => number;
  readonly #file: string;
  #db: DatabaseSync;
  #insert: StatementSync;
  #seq: number;
  #lastHash: string;
  /** Null where there can be none: then every record goes into the database at once. */
  readonly #tail: JournalTail | null;
  /** Records that the database does not have yet, oldest first. */
  #waiting: TailRow[] = [];
  #foldTimer: NodeJS.Timeout | null = null;
  #retryTimer: NodeJS.Timeout | null = null;
  #syncTimer: NodeJS.Timeout | null = null;
  /** Writes that are in the WAL only, and when the last one was. */
  #unmoved = 0;
  #isSyncing = false;
  #writtenAt = 0;
  #problem: string | null = null;
  #isDisposed = false;
  /** Told when `problem` changed. */
  onProblem: () => void = () => {};
  /** Told of every record once it has its place in the chain; its bytes wait for this. */
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
    this.#tail = options.file === IN_MEMORY ? null : this.#openTail();
  }

  /** Where it is kept. */
  get file(): string {
    return this.#file;
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
    const { session, actor, interface: interfaceKind, kind, outputOffset, payload } = record;
    const [seq, at, text] = [++this.#seq, this.#wallNow(), JSON.stringify(payload)];
    const row = [seq, session, at, actor, interfaceKind, kind, outputOffset, text] as const;
    this.#waiting.push(row);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift(); // `verify` names the hole
    if (!this.#isKept(row)) {
      if (!this.#retryTimer) this.fold();
    } else if (this.#waiting.length >= FOLD_RECORDS) this.#foldTimer ??= setTimeout(() => this.fold(), FOLD_AFTER_MS);
    this.#scheduleSync();
    this.onAppended({ seq, session, at, actor, interface: interfaceKind, kind, output_offset: outputOffset, payload: text });
  }

  /** Brings the database up to date: to be called before its events are read. */
  fold(): void {
    if (this.#foldTimer) clearTimeout(this.#foldTimer);
    this.#foldTimer = null;
    if (this.#waiting.length === 0 || this.#isDisposed || !this.#insertWaiting() || !this.#retryTimer) return;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    this.#setProblem(null);
  }

  /** Runs `write`, and turns a refusal of the disk into `problem` instead of an exception. */
  attempt(write: () => void): void {
    if (this.#isDisposed) return;
    try {
      write();
      this.#unmoved++;
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

  /** Checks every record against its chain. */
  verify(): Promise<VerifyReport> {
    this.fold();
    return verifyChain(this.#db);
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.fold();
    if (this.#foldTimer) clearTimeout(this.#foldTimer);
    if (this.#retryTimer) clearTimeout(this.#retryTimer);
    if (this.#syncTimer) clearTimeout(this.#syncTimer);
    this.#isDisposed = true;
    let isStored = false;
    try {
      this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      isStored = this.#waiting.length === 0;
      this.#db.close();
    } catch {
      // the disk refuses still; what was written stays in the WAL
    }
    this.#tail?.dispose({ isStored });
  }

  /** Takes over what earlier processes left in the tail. */
  #openTail(): JournalTail | null {
    try {
      const { rows, damaged } = JournalTail.read(this.#file);
      const tail = JournalTail.open(this.#file);
      this.#waiting = rows.filter(([seq]) => seq > this.#seq);
      this.#seq = this.#waiting.at(-1)?.[0] ?? this.#seq;
      this.fold();
      if (damaged > 0) this.#problem ??= `${damaged} of the last records of the journal were damaged and are lost`;
      return tail;
    } catch (error) {
      this.#fails(error);
      return null;
    }
  }

  /** Whether a crash of this process can no longer lose it. */
  #isKept(row: TailRow): boolean {
    try {
      this.#tail?.append(row);
      return this.#tail !== null;
    } catch {
      return false; // the database may still take it, or tells what is wrong
    }
  }

  /** In one transaction. False where the disk refuses: then the records wait on. */
  #insertWaiting(): boolean {
    let hash = this.#lastHash;
    try {
      this.#db.exec('BEGIN');
      for (const row of this.#waiting) {
        const previous = hash;
        hash = chainHash(previous, row);
        this.#insert.run(...row, previous, hash);
      }
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      this.#fails(error);
      return false;
    }
    this.#unmoved += Math.ceil(this.#waiting.length / FOLDED_PER_WRITE);
    this.#lastHash = hash;
    this.#waiting = [];
    return true;
  }

  #fails(error: unknown): void {
    const code = (error as { errstr?: string }).errstr ?? (error as Error).message;
    this.#setProblem(
      `the journal cannot be written (${code}): make room for ${this.#file}; input is still recorded in memory and sessions go on`,
    );
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = null;
      if (this.#waiting.length === 0 || this.#insertWaiting()) this.#setProblem(null);
    }, RETRY_MS);
  }

  /** Once a second at most, and only after writes. */
  #scheduleSync(): void {
    this.#writtenAt = performance.now();
    this.#syncTimer ??= setTimeout(this.#sync, SYNC_MS);
  }

  /** Off this thread: an fsync can take longer than a person waits for a keystroke. */
  readonly #sync = (): void => {
    this.#syncTimer = null;
    if (this.#isDisposed) return;
    this.fold();
    const isQuiet = performance.now() - this.#writtenAt > QUIET_MS;
    if (isQuiet || this.#unmoved > MAX_UNMOVED) this.#moveToDatabase();
    if (!isQuiet || this.#isSyncing || this.#waiting.length > 0) this.#syncTimer = setTimeout(this.#sync, SYNC_MS);
    if (this.#isSyncing) return;
    if (this.#waiting.length === 0) this.#tail?.seal();
    this.#isSyncing = true;
    openFile(`${this.#file}-wal`, 'r', (openError, fd) => {
      if (openError)
        this.#synced(null); // no WAL: everything is in the database
      else fsync(fd, (error) => close(fd, () => this.#synced(error)));
    });
  };

  /** The disk has what the database had when this was asked for. */
  #synced(error: Error | null): void {
    this.#isSyncing = false;
    if (this.#isDisposed) return;
    try {
      if (error) throw error;
      this.#tail?.emptySealed();
    } catch (problem) {
      this.#fails(problem);
    }
  }

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
