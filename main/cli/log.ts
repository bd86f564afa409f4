/** `log` and `verify`: who did what, as the journal has it. */
import type { HistoryFilter } from '#protocol/history.ts';
import { commandFor, type Globals, sessionRef, withClient } from './connect.ts';
import { EXIT, UsageError } from './exit-codes.ts';
import { COMMAND_COLUMNS, commandRow, eventLine, lastCommands, lastEvents } from './log-rows.ts';
import { note, print, printJson, tableWidth } from './output.ts';
import { sinceOf } from './since.ts';
import { formatTable } from './table.ts';

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
    else if (commands.length > 0) print(formatTable(COMMAND_COLUMNS, commands.map(commandRow), tableWidth()));
    else note(`no commands fit: \`${commandFor(options, 'log')}\` without options shows all`);
  }
}

function rowsOf(given: string | undefined): number {
  if (given === undefined) return DEFAULT_ROWS;
  const rows = Number(given);
  if (!Number.isInteger(rows) || rows < 1) throw new UsageError(`"${given}" is no number of rows: write 1 or more`);
  return rows;
}

/** Exits with 1 where the journal was changed or lost a record, or a file of a session or of the host is damaged. */
export async function verify(options: Globals & { json?: boolean }): Promise<void> {
  const report = await withClient(options, (client) => client.request('journal.verify', {}));
  if (!report.ok) process.exitCode = EXIT.failed;
  if (options.json) printJson(report);
  else {
    const erased = report.erased ? `, and ${report.erased} were erased with their sessions, as it tells` : '';
    if (!report.broken) print(`the journal is whole: ${report.records} records, each chained to the one before${erased}\n`);
    else note(`the journal is broken at record ${report.broken.seq}: ${report.broken.reason}; records before it can be relied on`);
    for (const { file, reason } of report.damaged ?? []) note(`${file}: ${reason}`);
  }
}
