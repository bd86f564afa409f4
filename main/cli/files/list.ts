/** `files`: what lies in a folder of a session's machine, uploads that were cut, and whether observers may read. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import { systemClock } from '#local/clock.ts';
import type { FileEntry } from '#protocol/files.ts';
import { shownName } from '#session/file-names.ts';
import { type Globals, sessionRef, withClient } from '../connect.ts';
import { UsageError } from '../exit-codes.ts';
import { bold, dim, note, print, printJson, tableWidth } from '../output.ts';
import { type Cell, type Column, formatTable } from '../table.ts';
import { showAge, showTime } from '../times.ts';
import { bytesText } from './copy-progress.ts';

type Options = Globals & {
  all?: boolean;
  sort?: string;
  reverse?: boolean;
  json?: boolean;
  uploads?: boolean;
  discard?: string;
  observers?: string;
};
const SORTS = ['name', 'size', 'modified'] as const;

const COLUMNS: readonly Column[] = [{ title: 'MODE' }, { title: 'SIZE', align: 'right' }, { title: 'MODIFIED' }, { title: 'NAME' }];

export async function files(options: Options, given: string, path = '.'): Promise<void> {
  const session = sessionRef(given);
  await withClient(options, async (client) => {
    if (options.observers !== undefined) await allow(client, session, options.observers);
    else if (options.discard !== undefined) await client.request('files.discard', { session, id: options.discard });
    else if (options.uploads) await uploads(client, session, options);
    else await list(client, { session, path, options });
  });
}

async function allow(client: CmdopClient, session: string, word: string): Promise<void> {
  if (word !== 'on' && word !== 'off')
    throw new UsageError(`"${word}" is neither on nor off: --observers on lets observers read, off ends it`);
  const { session: now } = await client.request('files.allow', { session, observers: word === 'on' });
  if (now.observerFiles) note(`observers of ${now.name} may read what is in ${shownName(now.observerFiles)} and below it`);
}

async function uploads(client: CmdopClient, session: string, { json }: Options): Promise<void> {
  const { uploads: all } = await client.request('files.uploads', { session });
  if (json) return printJson(all);
  if (all.length === 0) return note('no upload was cut here');
  const rows = all.map(({ id, path, size, received, by, changedAt }) => [
    id,
    size === null ? bytesText(received) : `${bytesText(received)} of ${bytesText(size)}`,
    by,
    showAge(systemClock.wallNow() - changedAt),
    shownName(path),
  ]);
  print(
    formatTable(
      [{ title: 'ID' }, { title: 'THERE', align: 'right' }, { title: 'WHO' }, { title: 'AGE' }, { title: 'FILE', shrink: 'start' }],
      rows,
      tableWidth(),
    ),
  );
}

async function list(client: CmdopClient, { session, path, options }: { session: string; path: string; options: Options }): Promise<void> {
  const sort = SORTS.find((each) => each === (options.sort ?? 'name'));
  if (!sort) throw new UsageError(`"${options.sort}" is nothing to sort by: choose ${SORTS.join(', ')}`);
  const { entry } = path === '.' ? { entry: null } : await client.request('files.stat', { session, path });
  if (entry && entry.kind !== 'folder' && entry.link?.kind !== 'folder') return show([entry], options);
  const all: FileEntry[] = [];
  for (;;) {
    const page = await client.request('files.list', {
      session,
      path,
      sort,
      descending: options.reverse ?? false,
      from: all.length,
      limit: 1_000,
    });
    all.push(...page.entries);
    if (page.entries.length > 0 && all.length < page.total) continue;
    if (page.isCut) note(`${shownName(page.path)} has more entries than the ${page.total} that are looked at`);
    break;
  }
  const shown = options.all || options.json ? all : all.filter(({ name }) => !name.startsWith('.'));
  show(shown, options);
  if (!options.json && shown.length === 0) note(all.length > 0 ? 'only hidden files are there: -a shows them' : 'nothing is there');
}

function show(entries: readonly FileEntry[], { json }: Options): void {
  if (json) printJson(entries);
  else if (entries.length > 0) print(formatTable(COLUMNS, entries.map(row), tableWidth()));
}

function row(entry: FileEntry): Cell[] {
  const { name, kind, size, modifiedAt, mode, link } = entry;
  const shown = shownName(name);
  const last: Cell =
    kind === 'folder'
      ? { text: `${shown}/`, style: bold }
      : link
        ? linkCell(shown, link)
        : kind === 'file'
          ? shown
          : { text: `${shown} (${kind})`, style: dim };
  return [
    modeText(kind, mode),
    kind === 'file' ? bytesText(size) : { text: '-', style: dim },
    showTime(modifiedAt, systemClock.wallNow()),
    last,
  ];
}

const linkCell = (shown: string, link: NonNullable<FileEntry['link']>): Cell =>
  link.kind === null
    ? { text: `${shown} -> ${shownName(link.target)} (nothing there)`, style: dim }
    : `${shown} -> ${shownName(link.target)}`;

/** `drwxr-xr-x`, as ls writes it. */
function modeText(kind: FileEntry['kind'], mode: number): string {
  const type = { file: '-', folder: 'd', link: 'l', pipe: 'p', socket: 's', device: 'b' }[kind];
  const bits = [0o400, 0o200, 0o100, 0o040, 0o020, 0o010, 0o004, 0o002, 0o001].map((bit, at) => (mode & bit ? ('rwx'[at % 3] ?? '') : '-'));
  return `${type}${bits.join('')}`;
}
