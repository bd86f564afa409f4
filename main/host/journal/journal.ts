/**
 * Who did what, append-only and hash-chained, in SQLite; the only file that opens the database.
 *
 * Invariant 4: no byte reaches a PTY before the journal names its actor. `append` has the record in the operating
 * system's hands when it returns (journal-tail.ts), so that a crash of this process loses none; a power cut loses at most
 * the last second. The database gets it a little later, off a keystroke's way. When the disk refuses, records wait in
 * memory in order, the session goes on, and `problem` says so; a journal whose file cannot be written from the beginning is
 * one that ends with this process, until the file can.
 */
import { basename } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { VerifyReport } from '#protocol/shapes.ts';
import { refusalText, remedyOf } from '../disk-refusal.ts';
import type { Damage } from '../output/segment.ts';
import { chainHash, verifyChain } from './journal-chain.ts';
import { IN_MEMORY, isDamage, openJournalFile, reopenJournalFile } from './journal-file.ts';
import type { JournalRecord, JournalRow } from './journal-record.ts';
import { JournalSync } from './journal-sync.ts';
import { lastRecord } from './journal-tables.ts';
import { JournalTail, type TailRow } from './journal-tail.ts';
import { unkeptProblem } from './unkept-journal.ts';

export type { JournalKind, JournalRecord, JournalRow } from './journal-record.ts';
export { IN_MEMORY };

/** Records that wait in memory while the disk refuses; beyond it the oldest are counted and dropped. */
const MAX_WAITING = 100_000;
/** How often a refused write is tried again, milliseconds. */
const RETRY_MS = 1_000;
/** A file that could not be written is looked at again after a write, at most this much later, milliseconds: doubled each time. */
const LONGEST_LOOK_MS = 32_000;
/** Records that go into the database at once: half a millisecond of this thread, 3 µs each instead of 17 alone. */
const FOLD_RECORDS = 64;
/** Left to a keystroke that brought a record, until its echo is on the way, milliseconds. */
const FOLD_AFTER_MS = 5;
/** Of them, this many grow the WAL by what one write of its own does. */
const FOLDED_PER_WRITE = 16;

const INSERT = 'INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?)';

/** Why the file cannot be written, and the first record that it lacks; `isWhole`: what is recorded can be added to it. */
type Unkept = { problem: string; from: number; readonly isWhole: boolean };

export class Journal {
  readonly #wallNow: () => number;
  readonly #file: string;
  #db: DatabaseSync;
  #insert: StatementSync;
  #seq: number;
  #lastHash: string;
  /** Null: every record goes into the database at once. */
  #tail: JournalTail | null = null;
  /** While the file cannot be written, and the database ends with this process. */
  #unkept: Unkept | null = null;
  readonly #kept = Promise.withResolvers<void>();
  /** Records that the database does not have yet, oldest first. */
  #waiting: TailRow[] = [];
  #foldTimer: NodeJS.Timeout | null = null;
  #retryTimer: NodeJS.Timeout | null = null;
  #lookTimer: NodeJS.Timeout | null = null;
  #lookMs = RETRY_MS;
  readonly #sync: JournalSync;
  #problem: string | null = null;
  #isDisposed = false;
  /** Told when `problem` changed. */
  onProblem: () => void = () => {};
  /** Told of every record once it has its place in the chain; its bytes wait for this. */
  onAppended: (row: JournalRow) => void = () => {};

  /**
   * Opens or makes the journal. A damaged file is set aside, named in `problem`, and a new chain begins; of one that cannot
   * be written see `isKept`. Throws only when no database can be made at all.
   */
  constructor(options: { file: string; wallNow: () => number }) {
    this.#wallNow = options.wallNow;
    this.#file = options.file;
    const { db, problem, refused } = openJournalFile(options.file, options.wallNow());
    this.#db = db;
    this.#problem = problem;
    this.#insert = db.prepare(INSERT);
    const { seq, hash } = lastRecord(db);
    this.#seq = seq;
    this.#lastHash = hash;
    this.#sync = new JournalSync({
      file: options.file,
      database: () => this.#db,
      fold: () => {
        this.fold();
        return this.#waiting.length === 0;
      },
      syncs: () => this.#tail?.seal(),
      synced: () => this.#tail?.emptySealed(),
      failed: (error) => this.#fails(error),
    });
    if (refused === null) this.#kept.resolve();
    else this.#unkept = { problem: unkeptProblem(refused.by, this.#file), from: 0, isWhole: refused.isWhole };
    if (options.file !== IN_MEMORY && refused?.isWhole !== false) this.#openTail();
    if (this.#unkept) this.#unkept.from = this.#seq + 1;
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
    return this.#unkept?.problem ?? this.#problem;
  }

  /** False: the file cannot be written, and what is recorded ends with this process. */
  get isKept(): boolean {
    return this.#unkept === null;
  }

  /** Resolves when the file has, or will have, what is recorded. */
  get kept(): Promise<void> {
    return this.#kept.promise;
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
    this.#wrote();
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
      this.#sync.grew(1);
      this.#wrote();
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
    this.lookAgain();
    this.fold();
    return verifyChain(this.#db);
  }

  /** Records that the disk does not have. */
  get missing(): Damage[] {
    const from = this.#unkept?.from ?? this.#waiting[0]?.[0];
    if (from === undefined) return [];
    return [{ file: basename(this.#file), reason: `records from ${from} on are in memory only: ${this.problem}` }];
  }

  /** Where the file could not be written: goes on in it once it can, with all that was recorded meanwhile. */
  lookAgain(): void {
    if (!this.#unkept?.isWhole || this.#isDisposed) return;
    this.fold();
    try {
      const db = reopenJournalFile(this.#file, this.#db);
      this.#insert = db.prepare(INSERT);
      this.#db = db; // who still reads from the other one holds it
    } catch (error) {
      const problem = unkeptProblem(error, this.#file);
      const isNews = this.#unkept.problem !== problem;
      this.#unkept.problem = problem;
      if (isNews) this.onProblem();
      return;
    }
    this.#unkept = null;
    this.#openTail();
    this.#kept.resolve();
    this.onProblem();
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.lookAgain();
    this.fold();
    for (const timer of [this.#foldTimer, this.#retryTimer, this.#lookTimer]) if (timer) clearTimeout(timer);
    this.#sync.dispose();
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
  #openTail(): void {
    try {
      const { rows, damaged } = JournalTail.read(this.#file);
      const tail = this.#unkept ? null : JournalTail.open(this.#file);
      this.#waiting.push(...rows.filter(([seq]) => seq > this.#seq));
      this.#seq = this.#waiting.at(-1)?.[0] ?? this.#seq;
      this.fold();
      if (damaged > 0) this.#problem ??= `${damaged} of the last records of the journal were damaged and are lost`;
      this.#tail = tail;
    } catch (error) {
      this.#fails(error);
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
    this.#sync.grew(Math.ceil(this.#waiting.length / FOLDED_PER_WRITE));
    this.#lastHash = hash;
    this.#waiting = [];
    return true;
  }

  #wrote(): void {
    if (!this.#unkept) return this.#sync.wrote();
    this.#lookTimer ??= setTimeout(() => {
      this.#lookTimer = null;
      this.#lookMs = Math.min(LONGEST_LOOK_MS, this.#lookMs * 2);
      this.lookAgain();
    }, this.#lookMs);
  }

  #fails(error: unknown): void {
    const [why, remedy] = [refusalText(error), remedyOf(error, this.#file)];
    this.#setProblem(`the journal cannot be written (${why}): ${remedy}; input is still recorded in memory and sessions go on`);
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = null;
      if (this.#waiting.length === 0 || this.#insertWaiting()) this.#setProblem(null);
    }, RETRY_MS);
  }

  #setProblem(problem: string | null): void {
    if (this.#problem === problem) return;
    this.#problem = problem;
    this.onProblem();
  }
}
