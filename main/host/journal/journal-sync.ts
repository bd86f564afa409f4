/** Brings to the disk what the journal's database holds: at most a second late, and off the way of whoever types. */
import { close, fsync, open as openFile } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

/** A power cut may lose this much, milliseconds. */
const SYNC_MS = 1_000;
/** Without a write for this long nobody waits for this process, milliseconds. */
const QUIET_MS = 750;
/** Writes in the WAL beyond which it is moved into the database in any case: about 40 MB. */
const MAX_UNMOVED = 4_000;

export type JournalSyncOptions = {
  /** Of the database. */
  file: string;
  database(): DatabaseSync;
  /** Gives the database every record; false where it refuses. */
  fold(): boolean;
  /** The database has every record so far; what it has now, the disk will have when `synced` is called. */
  syncs(): void;
  synced(): void;
  failed(error: unknown): void;
};

export class JournalSync {
  readonly #options: JournalSyncOptions;
  #timer: NodeJS.Timeout | null = null;
  /** Writes that are in the WAL only, and when the last one was. */
  #unmoved = 0;
  #writtenAt = 0;
  #isSyncing = false;
  #isDisposed = false;

  constructor(options: JournalSyncOptions) {
    this.#options = options;
  }

  /** The WAL, by what so many writes of the database's own make it. */
  grew(writes: number): void {
    this.#unmoved += writes;
  }

  /** Something is to be brought to the disk: once a second at most, and only after writes. */
  wrote(): void {
    this.#writtenAt = performance.now();
    if (!this.#isDisposed) this.#timer ??= setTimeout(this.#sync, SYNC_MS);
  }

  dispose(): void {
    this.#isDisposed = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** Off this thread: an fsync can take longer than a person waits for a keystroke. */
  readonly #sync = (): void => {
    this.#timer = null;
    if (this.#isDisposed) return;
    const { file, fold, syncs } = this.#options;
    const isFolded = fold();
    const isQuiet = performance.now() - this.#writtenAt > QUIET_MS;
    if (isQuiet || this.#unmoved > MAX_UNMOVED) this.#moveToDatabase();
    if (!isQuiet || this.#isSyncing || !isFolded) this.#timer = setTimeout(this.#sync, SYNC_MS);
    if (this.#isSyncing) return;
    if (isFolded) syncs();
    this.#isSyncing = true;
    openFile(`${file}-wal`, 'r', (openError, fd) => {
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
      this.#options.synced();
    } catch (problem) {
      this.#options.failed(problem);
    }
  }

  /** On this thread, and it waits for the disk: so while nobody types, or when the WAL has grown long. */
  #moveToDatabase(): void {
    try {
      this.#options.database().exec('PRAGMA wal_checkpoint(PASSIVE)');
      this.#unmoved = 0;
    } catch (error) {
      this.#options.failed(error);
    }
  }
}
