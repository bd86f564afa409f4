/** `blame`: who made a line of a session's output. */
import type { Result } from '#protocol/messages.ts';
import { printable } from '../attach/cells.ts';
import { type Globals, sessionRef, withClient } from './connect.ts';
import { UsageError } from './exit-codes.ts';
import { dim, print, printJson } from './output.ts';
import { showDuration, showTime } from './times.ts';

type Options = Globals & { line?: string; text?: string; offset?: string; json?: boolean };

export async function blame(options: Options, session: string): Promise<void> {
  const at = place(options);
  const found = await withClient(options, (client) => client.request('history.at', { session: sessionRef(session), at }));
  if (options.json) printJson(found);
  else print(describe(found));
}

function place({ line, text, offset }: Options): { line: number } | { text: string } | { offset: never } {
  const given = [line, text, offset].filter((each) => each !== undefined);
  if (given.length !== 1) throw new UsageError('say what is asked for: one of --line N, --text TEXT, --offset N');
  if (text !== undefined) {
    if (text === '') throw new UsageError('--text is empty');
    return { text };
  }
  const number = Number(line ?? offset);
  if (!Number.isInteger(number) || (offset !== undefined && number < 0)) throw new UsageError(`"${line ?? offset}" is no whole number`);
  // People count the screen's lines from 1; 0 and below lie above it.
  return line !== undefined ? { line: number - 1 } : { offset: number as never };
}

function describe({ command, authentication, journalSeq, approval, offset }: Result<'history.at'>): string {
  if (!command) return `at offset ${offset}: no recorded command printed this\n`;
  const { text, authors, submitter, exitCode, durationMs, startedAt, endedAt, cwd, from, to, id } = command;
  const others = authors.filter((author) => author.id !== submitter?.id).map(({ name }) => name);
  const rows: [string, string][] = [
    ['command', text],
    ['submitted', submitter ? `${submitter.name} (${submitter.kind}, ${submitter.interface})` : 'nobody attached: the session itself'],
    ...(authentication ? [['who', authentication] as [string, string]] : []),
    ...(others.length > 0 ? [['typed with', others.join(', ')] as [string, string]] : []),
    ...(approval ? [['approved', approvedBy(approval)] as [string, string]] : []),
    ['when', `${showTime(startedAt, Date.now())}${durationMs === null ? '' : `, ${showDuration(durationMs)}`}`],
    ['ended', endedAt === null ? 'it still runs' : exitCode === null ? 'exit code unknown' : `exit code ${exitCode}`],
    ['folder', cwd],
    ['place', `command ${id}, output ${from}–${to ?? '…'}${journalSeq === null ? '' : `, journal ${journalSeq}`}`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${dim(name.padEnd(width))}  ${printable(value)}\n`).join('');
}

function approvedBy({ id, decidedBy, edited }: NonNullable<Result<'history.at'>['approval']>): string {
  return `by ${decidedBy?.name ?? 'a rule'}${edited === null ? '' : ', who edited it'}, approval ${id}`;
}
