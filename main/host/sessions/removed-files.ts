/**
 * The files of sessions that were taken off the list. Where the disk does not let them go they are named as a problem and
 * tried again: by this host, ever later, and by the next one when it starts.
 */
import { rm } from 'node:fs/promises';
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { StoredSession } from '../journal/records.ts';

/** Until the next try, milliseconds: doubled each time. */
const AGAIN_MS = { first: 1_000, longest: 600_000 };

type Removed = Pick<StoredSession, 'id' | 'name'>;

export type RemovedFilesOptions = {
  folderOf(session: SessionId): string;
  /** That it is off the list may not have been written either. */
  removed(session: SessionId): void;
  problem(session: SessionId, sentence: string | null): void;
};

export class RemovedFiles {
  readonly #options: RemovedFilesOptions;
  readonly #timers = new Map<SessionId, NodeJS.Timeout>();
  #isDisposed = false;

  constructor(options: RemovedFilesOptions) {
    this.#options = options;
  }

  /** `erase` is how it is done the first time. Rejects with `storage` where files are left. */
  async remove(session: Removed, erase: () => Promise<void>): Promise<void> {
    try {
      await erase();
    } catch (error) {
      throw this.#refused(session, error as Error, AGAIN_MS.first);
    }
  }

  /** What an earlier host had to leave. */
  resume(session: Removed): void {
    this.#tryIn(session, AGAIN_MS.first);
  }

  dispose(): void {
    this.#isDisposed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #tryIn(session: Removed, ms: number): void {
    if (this.#isDisposed) return;
    clearTimeout(this.#timers.get(session.id));
    const next = () => this.#again(session, ms).catch((error: unknown) => console.error('removed files:', error));
    this.#timers.set(session.id, setTimeout(next, ms).unref());
  }

  async #again(session: Removed, ms: number): Promise<void> {
    const { folderOf, removed, problem } = this.#options;
    this.#timers.delete(session.id);
    removed(session.id);
    try {
      await rm(folderOf(session.id), { recursive: true, force: true });
      problem(session.id, null);
    } catch (error) {
      this.#refused(session, error as Error, Math.min(AGAIN_MS.longest, ms * 2));
    }
  }

  #refused(session: Removed, { message }: Error, againInMs: number): CmdopError {
    const folder = this.#options.folderOf(session.id);
    const sentence = `${session.name} is off the list, but its files cannot be removed (${message}): make ${folder} removable; it is tried again by itself`;
    this.#options.problem(session.id, sentence);
    this.#tryIn(session, againInMs);
    return new CmdopError('storage', sentence, { folder });
  }
}
