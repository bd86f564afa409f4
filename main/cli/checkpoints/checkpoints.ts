/** `checkpoint`, `checkpoints` and `restore`: the files of a session's folder, kept and brought back. */
import type { ClientOptions } from '#client/client-options.ts';
import type { CmdopClient } from '#client/cmdop-client.ts';
import { systemClock } from '#local/clock.ts';
import type { Checkpoint } from '#protocol/checkpoints.ts';
import { printable } from '../../attach/cells.ts';
import { commandFor, type Globals, sessionRef, withClient } from '../connect.ts';
import { UsageError } from '../exit-codes.ts';
import { note, print, printJson, tableWidth } from '../output.ts';
import { type Column, formatTable } from '../table.ts';
import { showTime } from '../times.ts';

/** With how far it is on standard error, where a person looks. */
export async function withProgress<T>(globals: Globals, work: (client: CmdopClient) => Promise<T>): Promise<T> {
  let isShown = false;
  const clear = () => {
    if (isShown) process.stderr.write('\r\x1b[K');
    isShown = false;
  };
  const onEvent: ClientOptions['onEvent'] = (event) => {
    if (event.event !== 'checkpoint.progress' || !process.stderr.isTTY) return;
    const { done, total } = event.params;
    process.stderr.write(`\r${done} of ${total} files\x1b[K`);
    isShown = true;
  };
  try {
    return await withClient(globals, work, { onEvent });
  } finally {
    clear();
  }
}

export async function checkpoint(options: Globals & { message?: string; json?: boolean }, session: string): Promise<void> {
  const { message } = options;
  const params = { session: sessionRef(session), ...(message === undefined ? {} : { message }) };
  const { checkpoint: made } = await withProgress(options, (client) => client.request('checkpoint.create', params));
  tellSkipped(made);
  if (options.json) printJson(made);
  else
    print(`checkpoint ${made.id} of ${printable(made.folder)}: ${made.files} ${made.files === 1 ? 'file' : 'files'}, ${changesOf(made)}\n`);
}

const COLUMNS: readonly Column[] = [
  { title: 'ID', align: 'right' },
  { title: 'TIME' },
  { title: 'WHO', shrink: 'end' },
  { title: 'WHY', shrink: 'end' },
  { title: 'FILES', align: 'right' },
  { title: 'CHANGED', shrink: 'end' },
  { title: 'FOLDER', shrink: 'start' },
];

export async function checkpoints(options: Globals & { limit?: string; json?: boolean }, session: string): Promise<void> {
  const limit = options.limit === undefined ? 100 : Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > 500) throw new UsageError(`"${options.limit}" is no number of rows: write 1 to 500`);
  const params = { session: sessionRef(session), limit };
  const { checkpoints: found, folder } = await withClient(options, (client) => client.request('checkpoint.list', params));
  if (options.json) printJson(found);
  else if (found.length > 0) print(formatTable(COLUMNS, found.map(row), tableWidth()));
  else note(`no checkpoint of ${folder} yet: \`${commandFor(options, `checkpoint ${session}`)}\` makes one`);
}

const row = (made: Checkpoint) => [
  String(made.id),
  showTime(made.at, systemClock.wallNow()),
  made.actor?.name ?? '',
  made.message ?? (made.reason === 'agent' ? `before its first input${made.isLate ? ' (late)' : ''}` : ''),
  String(made.files),
  changesOf(made),
  made.folder,
];

/** `+3 ~1 -2`: added, modified and deleted files. */
function changesOf({ changed: { added, modified, deleted } }: Checkpoint): string {
  const parts = [added > 0 ? `+${added}` : '', modified > 0 ? `~${modified}` : '', deleted > 0 ? `-${deleted}` : ''].filter(Boolean);
  return parts.join(' ') || 'nothing changed';
}

function tellSkipped({ skipped: { count, paths } }: Checkpoint): void {
  if (count === 0) return;
  const named = paths.slice(0, 5).map(printable).join(', ');
  note(`left out, too big or not readable: ${named}${count > 5 ? ` and ${count - 5} more` : ''}`);
}

export async function restore(
  options: Globals & { delete?: boolean; dryRun?: boolean; json?: boolean; paths: readonly string[] },
  session: string,
  id: string,
): Promise<void> {
  const params = {
    session: sessionRef(session),
    id: idOf(id),
    delete: options.delete ?? false,
    dryRun: options.dryRun ?? false,
    ...(options.paths.length > 0 ? { paths: [...options.paths] } : {}),
  };
  const done = await withProgress(options, (client) => client.request('checkpoint.restore', params));
  if (options.json) return printJson(done);
  const would = params.dryRun ? 'would be ' : '';
  const list = (sign: string, { paths, count }: { paths: string[]; count: number }) => {
    for (const path of paths) print(`${sign} ${printable(path)}\n`);
    if (count > paths.length) print(`${sign} and ${count - paths.length} more\n`);
  };
  if (params.dryRun) {
    list('<', done.written);
    list('-', done.deleted);
  }
  print(`${done.written.count} ${would}brought back, ${done.deleted.count} ${would}deleted${keptOf(done.kept, params.delete)}\n`);
  if (done.before)
    note(`what was there is checkpoint ${done.before.id}: \`${commandFor(options, `restore ${session} ${done.before.id}`)}\` undoes this`);
}

const keptOf = ({ count }: { count: number }, isDeleting: boolean) =>
  count > 0 && !isDeleting ? `; ${count} made since stay (--delete)` : '';

export function idOf(given: string): number {
  const id = Number(given);
  if (!Number.isInteger(id) || id < 1)
    throw new UsageError(`"${given}" is no checkpoint: \`cmdop checkpoints SESSION\` shows their numbers`);
  return id;
}
