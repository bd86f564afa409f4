/** What a report needs, asked of a host page by page. */
import type { Checkpoint } from '#protocol/checkpoints.ts';
import type { CommandRecord, JournalEvent, SessionSummary } from '#protocol/shapes.ts';
import type { CmdopClient } from '../cmdop-client.ts';
import { REPORTED_KINDS, type ReportSource } from './report.ts';

/** The most that one answer carries. */
const PAGE = 500;
/** The newest of each kind; what is older is left out. */
const MAX_ROWS = 20_000;

type Wanted = {
  /** One session, or all of the host. */
  session: SessionSummary | null;
  since: number | null;
  now: number;
};

export async function gatherReport(client: CmdopClient, { session, since, now }: Wanted): Promise<ReportSource> {
  const sessions = session ? [session] : await client.sessions();
  const filter = { ...(session ? { session: session.id } : {}), ...(since === null ? {} : { since }) };
  const commands = await allCommands(client, filter);
  const events = await allEvents(client, filter);
  const checkpoints = new Map<number, Checkpoint>();
  const folders = new Map<string, string>();
  for (const each of sessions) {
    const found = await client.request('checkpoint.list', { session: each.id, limit: PAGE }).catch(() => null); // an older host has none
    if (!found) continue;
    for (const made of found.checkpoints) if (since === null || made.at >= since) checkpoints.set(made.id, made);
    if (found.checkpoints.some(({ folder }) => folder === found.folder)) folders.set(found.folder, each.id);
  }
  const all = [...checkpoints.values()].sort((a, b) => a.id - b.id);
  const sinceLast: ReportSource['sinceLast'][number][] = [];
  for (const [folder, id] of folders) {
    const last = all.findLast((made) => made.folder === folder);
    if (!last) continue;
    const diff = await client.request('checkpoint.diff', { session: id, a: last.id, stat: true }).catch(() => null); // pruned, or gone
    if (diff) sinceLast.push({ folder, checkpoint: last.id, at: last.at, paths: diff.files.map(({ path }) => path) });
  }
  const title = session ? `Session ${session.name}` : 'All sessions';
  return { title, since, now, sessions: sessions.map(({ id, name }) => ({ id, name })), commands, events, checkpoints: all, sinceLast };
}

type Filter = { session?: string; since?: number };

async function allCommands(client: CmdopClient, filter: Filter): Promise<CommandRecord[]> {
  let found: CommandRecord[] = [];
  while (found.length < MAX_ROWS) {
    const before = found[0]?.id;
    const { commands, more } = await client.request('history.list', {
      ...filter,
      limit: PAGE,
      ...(before === undefined ? {} : { before }),
    });
    found = [...commands, ...found];
    if (commands.length === 0 || !(more ?? commands.length === PAGE)) break;
  }
  return found;
}

async function allEvents(client: CmdopClient, filter: Filter): Promise<JournalEvent[]> {
  let found: JournalEvent[] = [];
  for (let after = 0; ; ) {
    const { events } = await client.request('journal.list', { ...filter, kinds: REPORTED_KINDS, after, limit: PAGE });
    const last = events.at(-1);
    if (!last) return found;
    after = last.seq;
    found = [...found, ...events].slice(-MAX_ROWS);
  }
}
