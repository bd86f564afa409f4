/** What each request about files does. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { systemClock } from '#local/clock.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { FILES_METHODS, PartialUpload } from '#protocol/files.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { Method } from '#protocol/messages.ts';
import type { ByteStream } from '#session/byte-stream.ts';
import { shownName } from '#session/file-names.ts';
import type { ClientConnection, Handler } from '../client-connection.ts';
import type { Service } from '../service.ts';
import type { ServiceContext } from '../service-context.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import { sessionLookups } from '../sessions/session-lookups.ts';
import { FileAccess, type FilePlace } from './file-access.ts';
import { FileThread } from './file-thread.ts';
import { below, lastName } from './file-tree.ts';
import { Receiving } from './receiving.ts';
import { Sending } from './sending.ts';
import type { Transfer, TransferParts } from './transfer.ts';
import { type KnownUpload, UploadList } from './upload-list.ts';

/** Files on their way at a time, of one client. */
const MAX_TRANSFERS = 32;
/** Questions that wait for the system at a time, of one client. */
const MAX_QUESTIONS = 16;
/** The beginning of an upload that nobody goes on with is removed after this long, milliseconds. */
const STALE_MS = 7 * 24 * 60 * 60_000;
/** How often that is looked for, milliseconds. */
const LOOK_EVERY_MS = 6 * 60 * 60_000;

type Open = {
  stream: number;
  transfer: Transfer;
  parts: TransferParts;
  /** Of the upload, where it is one. */
  lock: string | null;
};

export function filesService(
  context: Pick<ServiceContext, 'paths' | 'stateFiles' | 'journal' | 'registry' | 'desk' | 'guard'>,
): Service<keyof typeof FILES_METHODS> {
  const { journal, registry } = context;
  const { owned } = sessionLookups(registry);
  const thread = new FileThread();
  const access = new FileAccess({ ...context, thread });
  const uploads = new UploadList(context.stateFiles, join(context.paths.stateDir, 'uploads.json'));
  const open = new Map<ClientConnection, Set<Open>>();
  const asking = new WeakMap<ClientConnection, number>();

  const note = (connection: ClientConnection, session: LiveSession, payload: Record<string, unknown>) => {
    const { id, interface: via } = connection.who.actor;
    journal.append({ session: session.id, actor: id, interface: via, kind: 'file', outputOffset: session.output.end, payload });
  };
  const transfersOf = (connection: ClientConnection): Set<Open> => {
    const all = open.get(connection) ?? new Set<Open>();
    open.set(connection, all);
    if (all.size >= MAX_TRANSFERS) {
      throw new CmdopError('busy', `${MAX_TRANSFERS} files are on their way for this client already: wait for one of them`);
    }
    return all;
  };
  /** One upload of one file at a time: who comes again after a cut is not held up by what is left of the cut one. */
  const unlocked = async (lock: string): Promise<void> => {
    for (const all of open.values())
      for (const each of all) if (each.lock === lock) await each.transfer.cut('this upload goes on elsewhere');
  };
  const known = async (): Promise<{ upload: KnownUpload; received: number; changedAt: number }[]> => {
    const { all } = uploads;
    if (all.length === 0) return [];
    const found = await thread.ask('partials', { paths: all.map(({ partial }) => partial) });
    return all.flatMap((upload, at) => {
      const there = found[at];
      if (there) return [{ upload, ...there }];
      uploads.remove(upload.partial);
      return [];
    });
  };
  const removeStale = async () => {
    for (const { upload, changedAt } of await known()) {
      if (systemClock.wallNow() - changedAt < STALE_MS) continue;
      await thread.ask('removePartial', { path: upload.partial });
      uploads.remove(upload.partial);
    }
  };
  const look = () => void removeStale().catch((error) => console.error('old uploads could not be removed:', error));
  if (uploads.all.length > 0) look();
  const looking = setInterval(look, LOOK_EVERY_MS);
  looking.unref();

  /** What a client asks costs the system as well, and all clients share its few hands. */
  const counted =
    <M extends Method>(handler: Handler<M>): Handler<M> =>
    async (connection, params, answer) => {
      const count = asking.get(connection) ?? 0;
      if (count >= MAX_QUESTIONS)
        throw new CmdopError('busy', `${MAX_QUESTIONS} questions about files wait for an answer already: ask again after one of them`);
      asking.set(connection, count + 1);
      try {
        await handler(connection, params, answer);
      } finally {
        asking.set(connection, (asking.get(connection) ?? 1) - 1);
      }
    };

  /** What a transfer has of its surroundings; `entry` is in the table of the connection from now on. */
  const partsFor = (of: {
    connection: ClientConnection;
    session: LiveSession;
    entry: () => Open | null;
    mustGoOn: () => void;
    over?: () => void;
  }): TransferParts => ({
    ...of,
    note: (payload) => note(of.connection, of.session, payload),
    over: () => {
      const entry = of.entry();
      if (entry) open.get(of.connection)?.delete(entry);
      of.over?.();
    },
  });

  return {
    handlers: {
      'files.list': counted<'files.list'>(async (connection, { session, path, ...question }, answer) => {
        const place = await access.toRead(connection, session, path);
        const listed = await thread.ask('list', { ...question, path: place.real ?? place.path });
        mustStillBe(connection, place, listed.path);
        answer(listed);
      }),
      'files.stat': counted<'files.stat'>(async (connection, { session, path, hash }, answer) => {
        const place = await access.toRead(connection, session, path);
        const at = place.real ?? place.path;
        const entry = await thread.ask('entry', { path: at });
        const hashed = hash ? await thread.ask('hash', { path: at }) : null;
        const real = hashed?.real ?? (place.real === null ? at : await thread.ask('real', { path: at }));
        mustStillBe(connection, place, real);
        answer({ path: at, entry, hash: hashed?.hash ?? null });
      }),
      'files.view': counted<'files.view'>(async (connection, { session: reference, path, max }, answer) => {
        const place = await access.toRead(connection, reference, path);
        const seen = await thread.ask('view', { path: place.real ?? place.path, max });
        mustStillBe(connection, place, seen.real);
        note(connection, place.session, { is: 'viewed', path: seen.real, bytes: seen.bytes.length });
        answer({ path: seen.real, size: seen.size, modifiedAt: seen.modifiedAt, bytes: Buffer.from(seen.bytes).toString('base64') });
      }),
      async 'files.read'(connection, { session: reference, path, from, prefix }, answer) {
        const { session, path: asked, real } = await access.toRead(connection, reference, path);
        const all = transfersOf(connection);
        const file = await thread.ask('openRead', { path: real ?? asked, real, from, prefix: prefix ?? null });
        const stream = await openStream(connection, () => thread.ask('closeRead', { job: file.job, isWhole: false }));
        if (!stream) return;
        let entry: Open | null = null;
        const mustGoOn = () => access.mustGoOnReading(connection, session, file.path);
        const parts = partsFor({ connection, session, entry: () => entry, mustGoOn });
        const sending = new Sending({ parts, thread, stream, file, from });
        entry = { stream: stream.id, transfer: sending, parts, lock: null };
        all.add(entry);
        const { job: _job, ...facts } = file;
        answer({ stream: stream.id, ...facts });
        await sending.run();
      },
      async 'files.write'(connection, { session: reference, path, size, key, overwrite, mode, restart }, answer) {
        const { session, path: asked, real } = await access.toWrite(connection, reference, path);
        const lock = [session.id, key, asked].join('\0');
        await unlocked(lock);
        const all = transfersOf(connection);
        const question = { path: real ?? asked, real, size, key, overwrite, mode: mode ?? null, restart };
        const file = await thread.ask('openWrite', question);
        const stream = await openStream(connection, () => thread.ask('abandon', { job: file.job, keep: true }));
        if (!stream) return;
        const partial = below(file.path.slice(0, file.path.lastIndexOf('/')) || '/', file.partial);
        const { name } = connection.who.actor;
        const id = randomBytes(8).toString('hex');
        uploads.add({
          id,
          session: session.id,
          sessionName: session.name,
          path: file.path,
          partial,
          size,
          by: name,
          at: systemClock.wallNow(),
        });
        let entry: Open | null = null;
        const parts = partsFor({
          connection,
          session,
          entry: () => entry,
          mustGoOn: () => access.mustWrite(connection, session),
          over: () => void known().catch(() => {}), // forgets it where nothing is left; a later look does as well
        });
        entry = { stream: stream.id, transfer: new Receiving({ parts, thread, stream, file }), parts, lock };
        all.add(entry);
        answer({ stream: stream.id, path: file.path, from: file.from, prefix: file.prefix });
      },
      async 'files.finish'(connection, { stream, hash }, answer) {
        const entry = [...(open.get(connection) ?? [])].find((each) => each.stream === stream);
        if (!entry) throw new CmdopError('bad-request', `the stream ${stream} is of no file on its way`);
        answer(await entry.transfer.finish(hash));
      },
      'files.folder': counted<'files.folder'>(async (connection, { session: reference, path }, answer) => {
        const { session, path: asked, real } = await access.toWrite(connection, reference, path);
        const at = real ?? asked;
        const isNew = await thread.ask('makeFolder', { path: at, real });
        if (isNew) note(connection, session, { is: 'folder', path: at });
        answer({ path: at, isNew });
      }),
      async 'files.uploads'(connection, { session: reference }, answer) {
        const only = reference === undefined ? null : registry.find(reference);
        const seen = (await known()).filter(
          ({ upload }) => (only ? upload.session === only.id : true) && maySee(connection, upload.session),
        );
        answer({ uploads: seen.map(shown) });
      },
      async 'files.discard'(connection, { session: reference, id }, answer) {
        const session = registry.find(reference);
        access.mustWrite(connection, session);
        const upload = uploads.all.find((each) => each.id === id && each.session === session.id);
        if (!upload) throw new CmdopError('file-not-found', `${session.name} has no upload ${id} that was cut`);
        await thread.ask('removePartial', { path: upload.partial });
        uploads.remove(upload.partial);
        note(connection, session, { is: 'discarded', path: upload.path });
        answer({});
      },
      async 'files.allow'(connection, { session: reference, observers }, answer) {
        const { actor } = connection.who;
        const session = owned(connection, reference);
        const folder = session.commands.cwd ?? session.stored.cwd;
        const real = observers ? await thread.ask('real', { path: folder }) : null;
        if (observers && real === null) throw new CmdopError('file-not-found', `the folder ${shownName(folder)} is not there any more`);
        session.roles.allowFiles(real, actor);
        answer({ session: session.summary() });
      },
    },
    /** Who may read or write in it may be others now: what they have open ends, also where its other side takes nothing. */
    sessionChanged({ id }) {
      for (const { transfer, parts } of [...open.values()].flatMap((all) => [...all])) {
        if (parts.session.id !== id) continue;
        const why = whatForbids(parts);
        if (why) void transfer.cut(why.message);
      }
    },
    closed(connection) {
      const all = open.get(connection) ?? [];
      open.delete(connection);
      for (const { transfer } of all) void transfer.cut('the connection has ended');
    },
    dispose() {
      clearInterval(looking);
      thread.dispose();
    },
  };

  /** Throws where what was opened is not what was judged, or whoever asked is not let to it any more. */
  function mustStillBe(connection: ClientConnection, { session, path, real }: FilePlace, opened: string | null): void {
    if (real !== null && real !== opened)
      throw new CmdopError('file-changed', `${shownName(lastName(path))} was moved just now: try again`);
    access.mustGoOnReading(connection, session, opened ?? path);
  }

  function maySee(connection: ClientConnection, id: string): boolean {
    const session = registry.get(id as SessionId);
    return session !== null && !session.roles.isKicked(connection.who.actor) && session.roles.roleOf(connection.who.actor) !== 'observer';
  }
}

function shown({ upload, received, changedAt }: { upload: KnownUpload; received: number; changedAt: number }): PartialUpload {
  const { id, session, sessionName, path, size, by } = upload;
  return { id, session: session as SessionId, sessionName, path, size, received, by, changedAt, removedAt: changedAt + STALE_MS };
}

/** Null where the client is gone. What was opened for it is given back then, and where this throws. */
async function openStream(connection: ClientConnection, giveBack: () => Promise<unknown>): Promise<ByteStream | null> {
  try {
    if (!connection.isClosed) return connection.streams.open();
  } catch (error) {
    await giveBack();
    throw error;
  }
  await giveBack();
  return null;
}

function whatForbids({ mustGoOn }: TransferParts): CmdopError | null {
  try {
    mustGoOn();
    return null;
  } catch (error) {
    if (!(error instanceof CmdopError)) throw error;
    return error;
  }
}
