/**
 * Removes sessions with everything that is kept of them: told to the journal first, then gone from the list, the disk and
 * the history. What was told is done, also by the next host where this one ends in the middle.
 */
import { rm } from 'node:fs/promises';
import type { LocalPaths } from '#local/paths.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { PrunedSession } from '#protocol/retention.ts';
import type { Actor } from '#protocol/shapes.ts';
import type { Checkpoints } from '../checkpoints/checkpoints.ts';
import type { Journal } from '../journal/journal.ts';
import type { Records } from '../journal/records.ts';
import { fromJson, prunedPayload } from '../journal/stored-shapes.ts';
import { WalMover } from '../journal/wal-mover.ts';
import type { Registry } from '../registry.ts';
import { sessionFolder } from '../sessions/open-session.ts';
import {
  digestOf,
  type ErasedRun,
  eraseSession,
  finishErasing,
  hasRecordsAfter,
  noteErased,
  RUNS_OF_RECORD,
  runsOf,
  shrink,
} from './journal-eraser.ts';
import { type MoveWal, nextTurn } from './turns.ts';

export type RemovalOptions = {
  paths: LocalPaths;
  journal: Journal;
  records: Records;
  registry: Registry;
  checkpoints: Pick<Checkpoints, 'dropOf'>;
};

/** Records of a session in the journal; `to`: no later one was looked for. */
type Found = { runs: ErasedRun[]; records: number; to: number };

export class Removal {
  readonly #options: RemovalOptions;
  /** Told by an earlier host and not done. */
  readonly #unfinished: SessionId[];

  /** What an earlier host began to remove is off the list from now on. */
  constructor(options: RemovalOptions) {
    this.#options = options;
    this.#unfinished = unfinished(options.journal);
    for (const session of this.#unfinished) options.records.removeSession(session);
  }

  /** Does what an earlier host left to do. */
  async finish(): Promise<void> {
    if (!this.#options.journal.isKept) return; // the next host
    const sessions = this.#unfinished.splice(0);
    if (sessions.length === 0) return;
    await this.#working(async (moveWal) => {
      await finishErasing(this.#options.journal.database, moveWal); // what is noted must not be found once more
      for (const session of sessions) {
        const { runs } = await this.#find(session);
        await this.#erase(session, { by: null, left: runs, noted: [] }, moveWal);
      }
    });
  }

  /** Answers those that are gone; the others run again, or were pinned meanwhile. Rejects with `storage` where the disk refuses. */
  async all(planned: readonly PrunedSession[], by: Actor | null): Promise<PrunedSession[]> {
    const pruned: PrunedSession[] = [];
    const whole = planned.filter(({ reason }) => reason !== 'session-budget');
    if (whole.length > 0)
      await this.#working(async (moveWal) => {
        for (const each of whole) if (await this.#remove(each, by, moveWal)) pruned.push(each);
      });
    for (const each of planned) if (each.reason === 'session-budget' && (await this.#trim(each.session))) pruned.push(each);
    return pruned;
  }

  async #working(work: (moveWal: MoveWal) => Promise<void>): Promise<void> {
    const { journal } = this.#options;
    const mover = new WalMover(journal.file);
    const moveWal = () => mover.move();
    try {
      await work(moveWal);
      await finishErasing(journal.database, moveWal);
      await shrink(journal.database, moveWal);
      await mover.empty();
    } finally {
      await mover.dispose();
    }
  }

  async #trim(id: SessionId): Promise<boolean> {
    const session = this.#options.registry.get(id);
    await session?.output.trim();
    return session !== null;
  }

  async #remove(pruned: PrunedSession, by: Actor | null, moveWal: MoveWal): Promise<boolean> {
    const { registry, records, journal } = this.#options;
    let found = await this.#find(pruned.session);
    // Asked in the turn in which it goes.
    const mustStay = () => {
      const session = registry.known(pruned.session);
      return session !== null && (!registry.isAtRest(session) || session.stored.isPinned);
    };
    while (!mustStay() && this.#hasMore(pruned.session, found)) found = await this.#find(pruned.session);
    if (mustStay()) return false;
    const first = found.runs.slice(0, RUNS_OF_RECORD);
    const payload = { is: 'pruned', ...pruned, records: found.records, digest: digestOf(first) };
    const told = this.#tell(payload, by);
    records.removeSession(pruned.session);
    const session = registry.get(pruned.session);
    if (session) await registry.forget(session);
    noteErased(journal.database, { runs: first, by: told });
    await this.#erase(pruned.session, { by, left: found.runs.slice(RUNS_OF_RECORD), noted: first }, moveWal);
    return true;
  }

  /** `left`: of its records, those that no record tells of yet. */
  async #erase(
    session: SessionId,
    { by, left, noted }: { by: Actor | null; left: readonly ErasedRun[]; noted: readonly ErasedRun[] },
    moveWal: MoveWal,
  ): Promise<void> {
    const { paths, journal, checkpoints } = this.#options;
    await rm(sessionFolder(paths, session), { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
    await checkpoints.dropOf(session, by);
    for (let at = 0; at < left.length; at += RUNS_OF_RECORD) {
      const runs = left.slice(at, at + RUNS_OF_RECORD);
      noteErased(journal.database, { runs, by: this.#tell({ is: 'erased', session, digest: digestOf(runs) }, by) });
      await nextTurn();
    }
    await eraseSession(journal.database, { session, runs: [...noted, ...left] }, moveWal);
  }

  async #find(session: SessionId): Promise<Found> {
    const { journal } = this.#options;
    journal.fold();
    const to = journal.lastSeq;
    return { ...(await runsOf(journal.database, session, to)), to };
  }

  #hasMore(session: SessionId, { to }: Found): boolean {
    const { journal } = this.#options;
    journal.fold();
    return hasRecordsAfter(journal.database, session, to);
  }

  /** In the journal, before anything is gone. Answers the record's number; throws `storage` where it cannot be kept. */
  #tell(payload: Record<string, unknown>, by: Actor | null): number {
    const { journal } = this.#options;
    const cannotTell = () =>
      new CmdopError('storage', `nothing more is removed while the journal cannot tell of it: ${journal.problem ?? 'see its log'}`);
    if (!journal.isKept) throw cannotTell();
    const [actor, via] = [by?.id ?? null, by?.interface ?? null];
    journal.append({ session: null, actor, interface: via, kind: 'retention', outputOffset: null, payload });
    const told = journal.lastSeq;
    journal.fold();
    if (!journal.database.prepare('SELECT 1 FROM events WHERE seq = ?').get(told)) throw cannotTell();
    return told;
  }
}

/** Sessions whose removal was told, and of which there is still a row. */
function unfinished(journal: Journal): SessionId[] {
  const rows = journal.readOr([], () =>
    journal.database.prepare("SELECT payload FROM events WHERE session IS NULL AND kind = 'retention'").all(),
  ) as { payload: string }[];
  const row = journal.database.prepare('SELECT 1 FROM sessions WHERE id = ?');
  const told = rows.flatMap(({ payload }) => fromJson(prunedPayload, payload)?.session ?? []);
  return [...new Set(told)].filter((session) => row.get(session)) as SessionId[];
}
