/** The checkpoints of every session's working folder: made, listed, compared, restored and dropped, each told to the journal. */
import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '#protocol/checkpoints.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { ActorId, SessionId } from '#protocol/ids.ts';
import type { Params, Result } from '#protocol/messages.ts';
import type { Actor } from '#protocol/shapes.ts';
import { guardedSession } from '../agents/policy-desk.ts';
import type { HostNews } from '../host-news.ts';
import type { Journal } from '../journal/journal.ts';
import type { Records } from '../journal/records.ts';
import type { Damage } from '../output/segment.ts';
import { folderBytes } from '../retention/disk-use.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import { type BytePath, meantPath } from './byte-path.ts';
import type { CheckpointBook, KeptCheckpoint } from './checkpoint-book.ts';
import { beyondBytes, beyondCount, forgotten } from './checkpoint-plan.ts';
import { checkpointFolder, type FolderRules } from './folders.ts';
import type { Shadow } from './git.ts';
import type { JobOptions, JobRunner } from './job-runner.ts';
import { verifyShadow } from './verify-shadow.ts';

/** Of all shadows together, bytes. */
const MAX_BYTES = 5 * 1024 * 1024 * 1024;
/** Room is looked for so often, milliseconds, and at most so many times over. */
const TIDY_EVERY_MS = 6 * 60 * 60 * 1000;
const MAX_ROUNDS = 20;

/** More than a session has. */
const MAX_LISTED = 10_000;

export type CheckpointsOptions = FolderRules & {
  journal: Journal;
  records: Records;
  news: HostNews;
  book: CheckpointBook;
  runner: JobRunner;
  wallNow: () => number;
  mayRead(actor: Actor, session: LiveSession): boolean;
};

type Wish = { actor: Actor; reason: Checkpoint['reason']; message: string | null /** Asked when it is made. */; isLate?: () => boolean };

export class Checkpoints {
  readonly #options: CheckpointsOptions;
  /** Wall clock; the first checkpoint of a host looks. */
  #tidiedAt = 0;

  constructor(options: CheckpointsOptions) {
    this.#options = options;
  }

  /** Of a session's working folder. Throws `no-folder`. */
  folderOf(cwd: string): Promise<string> {
    return checkpointFolder(cwd, this.#options);
  }

  /** Every folder whose checkpoints a client of this session may mean. */
  async foldersOf(session: LiveSession): Promise<ReadonlySet<string>> {
    const { checkpoints, folder } = await this.list(session, { before: Number.MAX_SAFE_INTEGER, limit: MAX_LISTED });
    return new Set([folder, ...checkpoints.map((made) => made.folder)]);
  }

  /** Where nothing has changed, an unasked one is the last one again. */
  async create(session: LiveSession, wish: Wish, options: JobOptions = {}): Promise<KeptCheckpoint> {
    const folder = await this.folderOf(cwdOf(session));
    return this.#create(session, folder, wish, options);
  }

  async #create(
    session: LiveSession,
    folder: string,
    { actor, reason, message, isLate }: Wish,
    options: JobOptions,
  ): Promise<KeptCheckpoint> {
    const { book, runner, wallNow, news, journal, mayRead } = this.#options;
    const previous = book.newest(folder);
    const outputOffset = session.output.end;
    const id = book.newId();
    const onlyIfChanged = reason !== 'asked';
    const made = await runner.run<'create'>(
      { do: 'create', shadow: this.#shadow(folder), id, previous: previous?.tree ?? null, onlyIfChanged },
      options,
    );
    if (onlyIfChanged && previous?.tree === made.tree) return previous;
    const { tree, files, changed, skipped } = made;
    const kept: KeptCheckpoint = {
      ...{ id, session: session.id, sessionName: session.name, folder, reason, message, actor: actor.id, at: wallNow(), outputOffset },
      ...{ files, changed, skipped, isLate: isLate?.() ?? false, tree },
    };
    book.add(kept);
    const { added, modified, deleted } = changed;
    const counts = { files, added, modified, deleted, skipped: skipped.count };
    journal.append({
      ...{ session: session.id, actor: actor.id, interface: actor.interface, kind: 'checkpoint', outputOffset },
      payload: {
        is: 'made',
        id,
        folder,
        reason,
        ...(message === null ? {} : { message }),
        ...counts,
        ...(kept.isLate ? { isLate: true } : {}),
      },
    });
    void this.tidy(folder).catch((error: unknown) => console.error('checkpoints could not be tidied:', error));
    news.toWatchers('checkpoint.made', { checkpoint: this.told(kept) }, (who) => mayRead(who, session));
    return kept;
  }

  /** As clients see it. */
  told({ tree: _, actor, ...kept }: KeptCheckpoint): Checkpoint {
    return { ...kept, actor: actor === null ? null : this.#options.records.actor(actor as ActorId) };
  }

  async list(session: LiveSession, page: { before: number; limit: number }): Promise<Result<'checkpoint.list'>> {
    const folder = await this.folderOf(cwdOf(session)).catch(() => cwdOf(session)); // what was made elsewhere is listed all the same
    return { checkpoints: this.#options.book.list({ session: session.id, folder, ...page }).map((kept) => this.told(kept)), folder };
  }

  async diff(session: LiveSession, params: Params<'checkpoint.diff'>, options: JobOptions): Promise<Result<'checkpoint.diff'>> {
    const { runner } = this.#options;
    const a = await this.#meant(session, params.a);
    const b = params.b === undefined ? null : await this.#meant(session, params.b);
    if (b && b.folder !== a.folder)
      throw new CmdopError('bad-request', `checkpoint ${a.id} is of ${a.folder} and ${b.id} of ${b.folder}: they cannot be compared`);
    const shadow = this.#shadow(a.folder);
    const tree = b?.tree ?? params.tree ?? (await runner.run<'tree'>({ do: 'tree', shadow }, options)).tree;
    const paths = pathsIn(a.folder, params.paths);
    const { stat, from } = params;
    const found = await runner.run<'diff'>({ do: 'diff', shadow, trees: [a.tree, tree], paths, stat, from }, options);
    return { a: a.id, b: b?.id ?? null, tree, ...found };
  }

  async restore(
    session: LiveSession,
    params: Params<'checkpoint.restore'>,
    by: Actor,
    options: JobOptions,
  ): Promise<Result<'checkpoint.restore'>> {
    const { runner, journal } = this.#options;
    const wanted = await this.#meant(session, params.id);
    const shadow = this.#shadow(wanted.folder);
    const paths = pathsIn(wanted.folder, params.paths);
    const { dryRun } = params;
    const message = `before checkpoint ${wanted.id} was restored`;
    const before = dryRun ? null : await this.#create(session, wanted.folder, { actor: by, reason: 'restore', message }, options);
    const now = before?.tree ?? (await runner.run<'tree'>({ do: 'tree', shadow }, options)).tree;
    const { progress } = options;
    // Not given up half-way because somebody closed a window.
    const done = await runner.run<'restore'>(
      { do: 'restore', shadow, trees: [now, wanted.tree], paths, delete: params.delete, dryRun },
      progress ? { progress } : {},
    );
    if (before)
      journal.append({
        ...{ session: session.id, actor: by.id, interface: by.interface, kind: 'checkpoint', outputOffset: session.output.end },
        payload: {
          is: 'restored',
          id: wanted.id,
          before: before.id,
          written: done.written.count,
          deleted: done.deleted.count,
          paths: done.written.paths.slice(0, 20),
        },
      });
    return { before: before && this.told(before), ...done };
  }

  /** An automatic one could not be made: people find it in the journal. */
  failed(session: LiveSession, actor: Actor, error: unknown): void {
    this.#options.journal.append({
      ...{ session: session.id, actor: actor.id, interface: actor.interface, kind: 'checkpoint', outputOffset: session.output.end },
      payload: { is: 'failed', reason: error instanceof Error ? error.message : String(error) },
    });
  }

  /** What each folder's checkpoints take on the disk, bytes. */
  async sizes(): Promise<{ folder: string; bytes: number; kept: KeptCheckpoint[] }[]> {
    const byFolder = Map.groupBy(this.#options.book.all(), ({ folder }) => folder);
    const sizes = [];
    for (const [folder, kept] of byFolder) sizes.push({ folder, bytes: await folderBytes(this.#shadow(folder).gitDir), kept });
    return sizes;
  }

  /** Keeps the folder within its number, and from time to time all together within their room. */
  async tidy(folder: string): Promise<void> {
    const { book, wallNow } = this.#options;
    const beyond = beyondCount(book.ofFolder(folder));
    if (beyond) await this.drop(beyond, null);
    if (wallNow() - this.#tidiedAt < TIDY_EVERY_MS) return;
    this.#tidiedAt = wallNow();
    await this.dropOrphans();
    await this.drop(forgotten(book.all(), wallNow()), null);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const going = beyondBytes(await this.sizes(), MAX_BYTES);
      if (!going) return;
      await this.drop(going, null);
    }
  }

  /** Those that a session made, which is removed with its history. */
  dropOf(session: SessionId, by: Actor | null): Promise<number> {
    const own = this.#options.book.ofSession(session);
    return this.drop(new Set(own.map(({ id }) => id)), by);
  }

  /** Checkpoints go, and the room that only they took; their records in the journal stay. Answers how many. */
  async drop(which: ReadonlySet<number>, by: Actor | null): Promise<number> {
    const { book, runner, journal } = this.#options;
    const dropped = [...which].flatMap((id) => book.get(id) ?? []);
    for (const [folder, all] of Map.groupBy(dropped, (kept) => kept.folder)) {
      const ids = all.map(({ id }) => id);
      book.delete(ids);
      journal.append({
        ...{ session: null, actor: by?.id ?? null, interface: by?.interface ?? null, kind: 'checkpoint', outputOffset: null },
        payload: { is: 'dropped', folder, ids },
      });
      const shadow = this.#shadow(folder);
      if (book.newest(folder)) await runner.run<'drop'>({ do: 'drop', shadow, ids });
      else await rm(shadow.gitDir, { recursive: true, force: true });
    }
    return dropped.length;
  }

  /** Shadows that no checkpoint is of: a host may have ended between two steps. */
  async dropOrphans(): Promise<void> {
    const root = join(this.#options.stateDir, 'checkpoints');
    const known = new Set(this.#options.book.all().map(({ folder }) => this.#shadow(folder).gitDir));
    for (const name of await readdir(root).catch(() => [])) // none yet
      if (!known.has(join(root, name))) await rm(join(root, name), { recursive: true, force: true });
  }

  /** What is damaged of what they keep, one folder after the other. */
  async verify(): Promise<Damage[]> {
    const damaged: Damage[] = [];
    for (const [folder, kept] of Map.groupBy(this.#options.book.all(), (each) => each.folder))
      damaged.push(
        ...(await verifyShadow(
          this.#shadow(folder),
          kept.map(({ tree }) => tree),
        )),
      );
    return damaged;
  }

  #shadow(folder: string): Shadow {
    const name = createHash('sha256').update(folder).digest('hex').slice(0, 32);
    return { gitDir: join(this.#options.stateDir, 'checkpoints', name), folder };
  }

  /** One of this session or its folder: a session's clients see no other's. Throws `no-checkpoint`. */
  async #meant(session: LiveSession, id: number | undefined): Promise<KeptCheckpoint> {
    const { book } = this.#options;
    const folder = await this.folderOf(cwdOf(session)).catch(() => null); // it may be gone: others of the session can be meant
    const found = id === undefined ? folder && book.newest(folder) : book.get(id);
    if (found && (found.session === session.id || found.folder === folder)) return found;
    const which =
      id === undefined ? `no checkpoint of ${folder ?? cwdOf(session)} yet` : `no checkpoint ${id} of ${session.name} or its folder`;
    throw new CmdopError('no-checkpoint', `${which}: \`cmdop checkpoints ${session.name}\` shows what there is`);
  }
}

const cwdOf = (session: LiveSession) => guardedSession(session).folder;

/** As bytes below the folder. Throws `bad-request` for what lies elsewhere. */
function pathsIn(folder: string, given: readonly string[] = []): BytePath[] {
  const paths = given.map((text) => {
    const path = meantPath(text.startsWith(`${folder}/`) ? text.slice(folder.length + 1) : text);
    const parts = path?.split('/').filter((part) => part !== '' && part !== '.');
    if (!parts || text.startsWith('/') !== text.startsWith(`${folder}/`) || parts.includes('..'))
      throw new CmdopError('bad-request', `${text} is not a path below ${folder}: write it from there, as \`cmdop diff --stat\` shows it`);
    return parts.join('/') as BytePath;
  });
  return paths.includes('' as BytePath) ? [] : paths;
}
