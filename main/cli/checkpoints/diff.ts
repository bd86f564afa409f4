/** `diff`: what changed in a session's folder since a checkpoint, page by page. */
import type { ChangedFile } from '#protocol/checkpoints.ts';
import { printable } from '../../attach/cells.ts';
import { type Globals, sessionRef } from '../connect.ts';
import { bold, green, note, print, printJson, red, tableWidth } from '../output.ts';
import { formatTable } from '../table.ts';
import { idOf, withProgress } from './checkpoints.ts';

type DiffOptions = Globals & { stat?: boolean; json?: boolean; a?: string; b?: string; paths: readonly string[] | null };

export async function diff(options: DiffOptions, session: string): Promise<void> {
  const { a, b, paths } = options;
  const isStat = options.stat === true || options.json === true;
  const params = {
    session: sessionRef(session),
    ...(a === undefined ? {} : { a: idOf(a) }),
    ...(b === undefined ? {} : { b: idOf(b) }),
    ...(paths && paths.length > 0 ? { paths: [...paths] } : {}),
    stat: isStat,
  };
  await withProgress(options, async (client) => {
    const first = await client.request('checkpoint.diff', params);
    if (options.json) return printJson(first);
    if (first.totals.files === 0) return note(`nothing changed since checkpoint ${first.a}${first.b === null ? '' : ` until ${first.b}`}`);
    if (isStat) return showFiles(first.files, first.totals);
    for (let page = first; ; ) {
      print(coloured(page.text));
      if (page.next === null) return;
      // The same two ends, whatever newer checkpoint or change there is by now.
      page = await client.request('checkpoint.diff', { ...params, a: page.a, tree: page.tree, from: page.next });
    }
  });
}

const SIGNS: Readonly<Record<ChangedFile['is'], string>> = { added: 'A', modified: 'M', deleted: 'D', 'type-changed': 'T' };

function showFiles(files: readonly ChangedFile[], totals: { files: number; added: number; deleted: number }): void {
  const lines = ({ added, deleted }: ChangedFile) => (added === null ? 'binary' : `+${added} -${deleted ?? 0}`);
  const columns = [{ title: '' }, { title: 'LINES', align: 'right' as const }, { title: 'FILE', shrink: 'start' as const }];
  print(
    formatTable(
      columns,
      files.map((file) => [SIGNS[file.is], lines(file), file.path]),
      tableWidth(),
    ),
  );
  const more = totals.files > files.length ? ` (${totals.files - files.length} of them not shown)` : '';
  print(`${totals.files} ${totals.files === 1 ? 'file' : 'files'}${more}, +${totals.added} -${totals.deleted} lines\n`);
}

/** Files hold anything: nothing of it reaches the terminal as a control sequence. */
function coloured(text: string): string {
  return text.replaceAll(/[^\n]+/g, (line) => {
    const shown = line.split('\t').map(printable).join('\t');
    if (/^(diff --git|index|---|\+\+\+|new file|deleted file|old mode|new mode) /.test(line)) return bold(shown);
    return line.startsWith('+') ? green(shown) : line.startsWith('-') ? red(shown) : shown;
  });
}
