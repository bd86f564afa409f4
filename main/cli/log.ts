/** `log` and `verify`: who did what, as the journal has it. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { CommandRecord, HistoryFilter, JournalEvent } from '#protocol/messages.ts';
import { type Globals, sessionRef, withClient } from './connect.ts';
import { EXIT, UsageError } from './exit-codes.ts';
import { dim, note, print, printJson, red, tableWidth } from './output.ts';
import { type Cell, type Column, formatTable, printable } from './table.ts';
import { parseSince, showDuration, showTime } from './times.ts';

export type LogOptions = Globals & {
  actor?: string;
  failed?: boolean;
  since?: string;
  follow?: boolean;
  json?: boolean;
  events?: boolean;
  limit?: string;
};

/** Rows shown when nobody says how many. */
const DEFAULT_ROWS = 200;
/** The most rows one answer of the host carries. */
const PAGE_ROWS = 500;
export async function log(options: LogOptions, session?: string): Promise<void> {
  const filter: HistoryFilter = {
    ...(session === undefined ? {} : { session: sessionRef(session) }),
    ...(options.actor === undefined ? {} : { actor: options.actor }),
    ...(options.since === undefined ? {} : { since: sinceOf(options.since) }),
    ...(options.failed ? { failed: true } : {}),
  };
  const rows = rowsOf(options.limit);
  if (options.follow) await (await import('./log-follow.ts')).follow(options, filter, rows);
  else if (options.events) {
    const events = await withClient(options, (client) => lastEvents(client, filter, rows));
    if (options.json) printJson(events);
    else for (const event of events) print(eventLine(event));
  } else {
    const commands = await withClient(options, (client) => lastCommands(client, filter, rows));
    if (options.json) printJson(commands);
    else if (commands.length > 0) print(formatTable(COLUMNS, commands.map(commandRow), tableWidth()));
    else note('no commands fit: `cmdop log` without options shows all');
  }
}

function sinceOf(given: string): number {
  const since = parseSince(given, Date.now());
  if (since === null) throw new UsageError(`"${given}" is no time: write 10m, 2h, 14:30, yesterday, 2026-11-22 or 2026-11-22T14:30`);
  return since;
}

function rowsOf(given: string | undefined): number {
  if (given === undefined) return DEFAULT_ROWS;
  const rows = Number(given);
  if (!Number.isInteger(rows) || rows < 1) throw new UsageError(`"${given}" is no number of rows: write 1 or more`);
  return rows;
}

/** The last `rows` records that fit, oldest first. */
export async function lastCommands(client: CmdopClient, filter: HistoryFilter, rows: number): Promise<CommandRecord[]> {
  let found: CommandRecord[] = [];
  while (found.length < rows) {
    const limit = Math.min(PAGE_ROWS, rows - found.length);
    const before = found[0]?.id;
    const { commands } = await client.request('history.list', { ...filter, limit, ...(before === undefined ? {} : { before }) });
    found = [...commands.toSorted((a, b) => a.id - b.id), ...found];
    if (commands.length < limit) break;
  }
  return found;
}

/** The last `rows` events that fit, oldest first; `after` is the number of the last one already seen. */
export async function lastEvents(client: CmdopClient, filter: HistoryFilter, rows: number, after = 0): Promise<JournalEvent[]> {
  const { session, actor, since } = filter;
  let found: JournalEvent[] = [];
  for (;;) {
    const { events } = await client.request('journal.list', {
      after: found.at(-1)?.seq ?? after,
      limit: PAGE_ROWS,
      ...(session === undefined ? {} : { session }),
      ...(actor === undefined ? {} : { actor }),
      ...(since === undefined ? {} : { since }),
    });
    found = [...found, ...events].slice(-rows);
    if (events.length < PAGE_ROWS) return found;
  }
}

const COLUMNS: readonly Column[] = [
  { title: 'TIME' },
  { title: 'SESSION', shrink: 'end' },
  { title: 'WHO', shrink: 'end' },
  { title: 'EXIT', align: 'right' },
  { title: 'TOOK', align: 'right' },
  { title: 'COMMAND', shrink: 'end' },
];

function commandRow(command: CommandRecord): Cell[] {
  const { exitCode, durationMs, endedAt } = command;
  const exit: Cell =
    exitCode === null ? { text: endedAt === null ? '…' : '?', style: dim } : exitCode === 0 ? '0' : { text: String(exitCode), style: red };
  return [
    showTime(command.startedAt, Date.now()),
    command.sessionName,
    whoTyped(command),
    exit,
    durationMs === null ? '' : showDuration(durationMs),
    command.text,
  ];
}

/** `ann`, or `bob (with ann)` where ann typed a part of what bob submitted. */
function whoTyped({ submitter, authors }: CommandRecord): string {
  const others = authors.filter(({ id }) => id !== submitter?.id).map(({ name }) => name);
  if (!submitter) return others.join(', ') || '(the session)';
  return others.length > 0 ? `${submitter.name} (with ${others.join(', ')})` : submitter.name;
}

/** A row without columns to align with. */
export const commandLine = (command: CommandRecord) => line(commandRow(command));

export function eventLine({ seq, at, actorName, interface: via, kind, session, payload }: JournalEvent): string {
  const who = actorName === null ? '' : `${actorName}${via ? ` (${via})` : ''}`;
  return line([
    String(seq).padStart(6),
    showTime(at, Date.now()),
    kind.padEnd(12),
    session ?? '',
    who,
    { text: JSON.stringify(payload), style: dim },
  ]);
}

const line = (cells: readonly Cell[]) =>
  `${cells.map((cell) => (typeof cell === 'string' ? printable(cell) : cell.style(printable(cell.text)))).join('  ')}\n`;

/** Exits with 1 where the journal was changed or lost a record. */
export async function verify(options: Globals & { json?: boolean }): Promise<void> {
  const report = await withClient(options, (client) => client.request('journal.verify', {}));
  if (!report.ok) process.exitCode = EXIT.failed;
  if (options.json) printJson(report);
  else if (report.ok) print(`the journal is whole: ${report.records} records, each chained to the one before\n`);
  else
    note(
      `the journal is broken at record ${report.broken?.seq ?? '?'}: ${report.broken?.reason ?? 'unknown'}; records before it can be relied on`,
    );
}
