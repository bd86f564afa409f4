/** Applies the limits: when somebody asks, and once a day where there are any. */
import type { LocalPaths } from '#local/paths.ts';
import type { Result } from '#protocol/messages.ts';
import type { Actor } from '#protocol/shapes.ts';
import type { Checkpoints } from '../checkpoints/checkpoints.ts';
import type { HostSettings } from '../host-settings.ts';
import type { Journal } from '../journal/journal.ts';
import type { Records, StoredSession } from '../journal/records.ts';
import type { Registry } from '../registry.ts';
import { sessionFolder } from '../sessions/open-session.ts';
import { databaseBytes, folderBytes } from './disk-use.ts';
import { type Kept, planPruning } from './plan.ts';
import { Removal } from './removal.ts';

/** Between two times that nobody asked for, milliseconds. */
const EVERY_MS = 24 * 60 * 60 * 1000;
/** After a host has started, milliseconds: what is due waits until sessions are found again and people are back. */
const NOT_BEFORE_MS = 10 * 60 * 1000;

export type PrunerOptions = {
  paths: LocalPaths;
  journal: Journal;
  records: Records;
  registry: Registry;
  settings: HostSettings;
  /** Files of folders, which go with the session that kept them. */
  checkpoints: Pick<Checkpoints, 'dropOf' | 'sizes'>;
  wallNow: () => number;
};

/** After a limit was set, milliseconds: whoever set it can look at what it would remove, and pin what is to stay. */
export const GRACE_MS = 60 * 60 * 1000;

type Pruned = Result<'retention.prune'>;

export class Pruner {
  readonly #options: PrunerOptions;
  #timer: NodeJS.Timeout | null = null;
  /** One at a time. */
  #work: Promise<unknown> = Promise.resolve();
  readonly #removal: Removal;

  constructor(options: PrunerOptions) {
    this.#options = options;
    this.#removal = new Removal(options);
    this.#work = this.#removal.finish().catch((error: unknown) => console.error('prune:', error));
    this.schedule(NOT_BEFORE_MS);
  }

  /** One wake-up a day, and none where nothing has a limit. */
  schedule(notBeforeMs: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const { settings, wallNow } = this.#options;
    if (settings.retention.totalBytes === null && settings.retention.maxAgeMs === null) return;
    const dueInMs = settings.prunedAt === null ? 0 : Math.min(EVERY_MS, settings.prunedAt + EVERY_MS - wallNow());
    this.#timer = setTimeout(
      () => void this.prune(null, { isDryRun: false }).catch((error: unknown) => console.error('prune:', error)),
      Math.max(dueInMs, notBeforeMs),
    );
    this.#timer.unref();
  }

  dispose(): void {
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** Every session with what it takes. */
  async kept(): Promise<Kept[]> {
    const { records, registry } = this.#options;
    const commands = records.commands.counts();
    const kept: Kept[] = [];
    for (const { id, stored, isRunning } of registry.listed()) {
      const state = isRunning ? 'running' : 'ended';
      const excessBytes = registry.get(id)?.output.excessBytes ?? 0;
      kept.push(await this.#kept(stored, { state, commands: commands.get(id) ?? 0, excessBytes }));
    }
    for (const stored of records.removedStored())
      kept.push(await this.#kept(stored, { state: 'removed', commands: commands.get(stored.id) ?? 0, excessBytes: 0 }));
    return kept;
  }

  journalBytes(): Promise<number> {
    return databaseBytes(this.#options.paths.journalFile);
  }

  async checkpointsBytes(): Promise<number> {
    return (await this.#options.checkpoints.sizes()).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** `by` null: nobody asked, it is time. Rejects with `storage` where the disk refuses. */
  prune(by: Actor | null, { isDryRun }: { isDryRun: boolean }): Promise<Pruned> {
    const work = this.#work.catch(() => {}).then(() => this.#prune(by, isDryRun)); // its caller was told
    this.#work = work;
    return work;
  }

  async #prune(by: Actor | null, isDryRun: boolean): Promise<Pruned> {
    const { settings, wallNow } = this.#options;
    const before = await this.kept();
    const restBefore = (await this.journalBytes()) + (await this.checkpointsBytes());
    const planned = planPruning(before, settings.retention, wallNow());
    const takes = (kept: readonly Kept[]) => kept.reduce((sum, { bytes }) => sum + bytes, 0);
    if (isDryRun) {
      const freedBytes = planned.reduce((sum, { bytes }) => sum + bytes, 0);
      return { pruned: planned, freedBytes, keptBytes: takes(before) + restBefore - freedBytes };
    }
    const pruned = planned.length === 0 ? [] : await this.#removal.all(planned, by);
    settings.set({ prunedAt: wallNow() });
    this.schedule(NOT_BEFORE_MS);
    const keptBytes = takes(await this.kept()) + (await this.journalBytes()) + (await this.checkpointsBytes());
    return { pruned, freedBytes: Math.max(0, takes(before) + restBefore - keptBytes), keptBytes };
  }

  async #kept(stored: StoredSession, more: Pick<Kept, 'state' | 'commands' | 'excessBytes'>): Promise<Kept> {
    const { id, name, createdAt, endedAt, isPinned } = stored;
    return {
      session: id,
      name,
      isPinned: isPinned === true,
      createdAt,
      endedAt,
      bytes: await folderBytes(sessionFolder(this.#options.paths, id)),
      ...more,
    };
  }
}
