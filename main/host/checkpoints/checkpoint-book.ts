/** Which checkpoints there are: a row each, beside the journal, found by session and by folder. */
import { z } from 'zod';
import { type Checkpoint, checkpoint } from '#protocol/checkpoints.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { Journal } from '../journal/journal.ts';
import { fromJson } from '../journal/stored-shapes.ts';

const kept = z.object({
  ...checkpoint.omit({ actor: true }).shape,
  actor: z.string().nullable(),
  tree: z.string().regex(/^[0-9a-f]{40}$/),
});
/** As stored: its actor by id, and the tree in the folder's shadow. */
export type KeptCheckpoint = Omit<Checkpoint, 'actor'> & { actor: string | null; tree: string };

type Row = { state: string };

export class CheckpointBook {
  readonly #journal: Journal;
  #next: number;

  constructor(journal: Journal) {
    this.#journal = journal;
    // Also those that were pruned: a number is never used again.
    const last = journal.readOr(undefined, () =>
      journal.database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'checkpoints'").get(),
    );
    this.#next = Number(last?.seq ?? 0) + 1;
  }

  newId(): number {
    return this.#next++;
  }

  add(made: KeptCheckpoint): void {
    const { id, session, folder, at } = made;
    this.#journal.attempt(() => {
      this.#journal.database
        .prepare('INSERT OR REPLACE INTO checkpoints VALUES (?,?,?,?,?)')
        .run(id, session, folder, at, JSON.stringify(made));
    });
  }

  get(id: number): KeptCheckpoint | null {
    return this.#select('WHERE id = ?', [id])[0] ?? null;
  }

  newest(folder: string): KeptCheckpoint | null {
    return this.#select('WHERE folder = ? ORDER BY id DESC LIMIT 1', [folder])[0] ?? null;
  }

  /** Oldest first; of more than `limit` the newest. */
  list(filter: { session: SessionId; folder: string; before: number; limit: number }): KeptCheckpoint[] {
    const { session, folder, before, limit } = filter;
    return this.#select('WHERE (session = ? OR folder = ?) AND id < ? ORDER BY id DESC LIMIT ?', [
      session,
      folder,
      before,
      limit,
    ]).reverse();
  }

  /** Oldest first. */
  ofFolder(folder: string): KeptCheckpoint[] {
    return this.#select('WHERE folder = ? ORDER BY id', [folder]);
  }

  ofSession(session: SessionId): KeptCheckpoint[] {
    return this.#select('WHERE session = ? ORDER BY id', [session]);
  }

  all(): KeptCheckpoint[] {
    return this.#select('ORDER BY id', []);
  }

  delete(ids: readonly number[]): void {
    this.#journal.attempt(() => {
      const row = this.#journal.database.prepare('DELETE FROM checkpoints WHERE id = ?');
      for (const id of ids) row.run(id);
    });
  }

  #select(where: string, values: (string | number)[]): KeptCheckpoint[] {
    const rows = this.#journal.readOr(
      [],
      () => this.#journal.database.prepare(`SELECT state FROM checkpoints ${where}`).all(...values) as Row[],
    );
    return rows.flatMap(({ state }) => (fromJson(kept, state) as KeptCheckpoint | null) ?? []);
  }
}
