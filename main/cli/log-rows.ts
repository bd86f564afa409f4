/** The rows of `log`: asked for page by page, and shown. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { HistoryFilter } from '#protocol/history.ts';
import type { CommandRecord, JournalEvent } from '#protocol/shapes.ts';
import { printable } from '../attach/cells.ts';
import { dim, red } from './output.ts';
import type { Cell, Column } from './table.ts';
import { showDuration, showTime } from './times.ts';

/** The most rows one answer of the host carries. */
const PAGE_ROWS = 500;

/** The last `rows` records that fit, oldest first. */
export async function lastCommands(client: CmdopClient, filter: HistoryFilter, rows: number): Promise<CommandRecord[]> {
  let found: CommandRecord[] = [];
  while (found.length < rows) {
    const limit = Math.min(PAGE_ROWS, rows - found.length);
    const before = found[0]?.id;
    const { commands, more } = await client.request('history.list', { ...filter, limit, ...(before === undefined ? {} : { before }) });
    found = [...commands.toSorted((a, b) => a.id - b.id), ...found];
    if (!(more ?? commands.length === limit)) break;
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
    if (events.length === 0) return found; // a page may be shorter than asked for: its rows are long
  }
}

export const COMMAND_COLUMNS: readonly Column[] = [
  { title: 'TIME' },
  { title: 'SESSION', shrink: 'end' },
  { title: 'WHO', shrink: 'end' },
  { title: 'EXIT', align: 'right' },
  { title: 'TOOK', align: 'right' },
  { title: 'COMMAND', shrink: 'end' },
];

export function commandRow(command: CommandRecord): Cell[] {
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
