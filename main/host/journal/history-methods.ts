/** What the requests about the past do: output, command records, the journal. */
import type { LocalPaths } from '#local/paths.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { HISTORY_METHODS } from '#protocol/history.ts';
import type { ActorId, Offset, SessionId } from '#protocol/ids.ts';
import type { ClientConnection, Handlers } from '../client-connection.ts';
import type { HostNews } from '../host-news.ts';
import type { Damage } from '../output/segment.ts';
import { verifyFiles } from '../output/verify-files.ts';
import type { Registry } from '../registry.ts';
import { newestThatFit, oldestThatFit } from '../screen/rows-that-fit.ts';
import { sessionLookups } from '../sessions/session-lookups.ts';
import type { SessionOutput } from '../sessions/session-output.ts';
import type { StateFiles } from '../state-files.ts';
import { blame, provenance } from './blame.ts';
import type { Journal } from './journal.ts';
import type { JournalWatchers } from './journal-watchers.ts';
import { observedEvent } from './observed-event.ts';
import { recordedSession } from './recorded-session.ts';
import type { Records } from './records.ts';

export type HistoryContext = {
  paths: LocalPaths;
  stateFiles: StateFiles;
  journal: Journal;
  records: Records;
  registry: Registry;
  news: HostNews;
  watchers: JournalWatchers;
  checkpoints: { verify(): Promise<Damage[]> };
};

export function historyHandlers(context: HistoryContext): Pick<Handlers, keyof typeof HISTORY_METHODS> {
  const { paths, stateFiles, journal, records, registry, news, watchers, checkpoints } = context;
  const actorsNamed = (name: string | undefined): { actors?: ActorId[] } =>
    name === undefined ? {} : { actors: records.actorsNamed(name) };
  /** Without a name all sessions, but those from which this person was removed. */
  const sessionFilter = ({ who }: ClientConnection, reference: string | undefined): { session?: SessionId; hidden?: SessionId[] } => {
    if (reference === undefined) {
      const hidden = registry.listed().filter(({ roles }) => roles.isKicked(who.actor));
      return hidden.length > 0 ? { hidden: hidden.map(({ id }) => id) } : {};
    }
    const session = recordedSession(context, reference);
    registry.known(session)?.roles.mustSee(who.actor);
    return { session };
  };

  const isObserver = ({ who }: ClientConnection, session: SessionId | null): boolean =>
    session !== null && registry.known(session)?.roles.roleOf(who.actor) === 'observer';

  const { seen } = sessionLookups(registry);

  return {
    async 'output.read'(connection, { session: reference, from, max }, answer) {
      const session = seen(connection, reference);
      const { end } = session.output;
      const bytes = from >= end ? new Uint8Array(0) : await session.output.readStored(from, max);
      if (!bytes) throw notHeld(session.output, from);
      answer({ from, to: (from + bytes.length) as typeof from, end, bytes: Buffer.from(bytes).toString('base64') });
    },
    'history.list'(connection, { session, actor, failed, text, since, before, at, limit }, answer) {
      const filter = {
        ...sessionFilter(connection, session),
        ...actorsNamed(actor),
        ...defined({ failed, text, since, before, at }),
        limit,
      };
      const found = records.commands.list(filter).map((command) => news.commandRecord(command));
      const commands = at === undefined ? newestThatFit(found) : oldestThatFit(found);
      answer({ commands, more: commands.length < found.length || found.length === limit });
    },
    'history.count'(connection, { session, actor, failed, text, since, id, times }, answer) {
      // Of all of them it would hold up everybody.
      if (times.length > 0 && session === undefined)
        throw new CmdopError('bad-request', 'places of times are told among the commands of one session: name it');
      const filter = { ...sessionFilter(connection, session), ...actorsNamed(actor), ...defined({ failed, text, since }) };
      answer(records.commands.count(filter, { id, times }));
    },
    async 'history.at'(connection, { session: reference, at }, answer) {
      const { offset, command } = await blame(seen(connection, reference), at, records);
      const from = command ? provenance(command, records) : { journalSeq: null, authentication: null, approval: null };
      answer({ offset, command: command && news.commandRecord(command), ...from });
    },
    'journal.list'(connection, { session, actor, kinds, since, after, before, limit }, answer) {
      const filter = { ...sessionFilter(connection, session), ...actorsNamed(actor), ...defined({ kinds, since, after, before }), limit };
      const events = records.events(filter).map((event) => (isObserver(connection, event.session) ? observedEvent(event) : event));
      answer({ events: after === undefined ? newestThatFit(events) : oldestThatFit(events) });
    },
    'journal.watch'(connection, { session, actor, kinds, since }, answer) {
      const filter = { ...sessionFilter(connection, session), ...defined({ actor, kinds, since }) };
      answer({ seq: journal.lastSeq });
      watchers.add(connection, filter);
    },
    async 'journal.verify'(_connection, _params, answer) {
      const chain = await journal.verify();
      const files = await verifyFiles({ ...paths, stateFiles, sessions: registry.all() });
      const damaged = [...journal.missing, ...files, ...(await checkpoints.verify())];
      answer({ ...chain, ok: chain.ok && damaged.length === 0, damaged });
    },
  };
}

/** `next`: where reading goes on behind it. */
function notHeld(output: SessionOutput, from: Offset): CmdopError {
  const { start, end } = output;
  const next = from < start ? start : output.behindHole(from);
  const message =
    from < start
      ? `output from offset ${from} is not held any more; it begins at ${start}`
      : `output from offset ${from} to ${next} is missing or damaged on disk: \`cmdop verify\` names it; what follows is served`;
  return new CmdopError('output-pruned', message, { start, end, next });
}

/** Without the fields that are undefined. */
function defined<T extends Record<string, unknown>>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
