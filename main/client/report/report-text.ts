/** A report as Markdown and as HTML. What people, agents and files are called is untrusted: nothing of it becomes markup. */
import type { Report } from './report.ts';

/** What is drawn in either form. */
type Block = { heading: string } | { lines: string[] } | { columns: string[]; rows: string[][] };

/** Rows of a table, at most: a report is read. The JSON form has all. */
const MAX_ROWS = 500;

function blocksOf(report: Report): Block[] {
  const { commands, approvals } = report;
  const blocks: Block[] = [
    { lines: [`${time(report.from)} to ${time(report.to)}`, `Sessions: ${report.sessions.join(', ')}`] },
    { heading: 'Who worked' },
    {
      columns: ['Name', 'Kind', 'Came by', 'Commands', 'Failed', 'First seen', 'Last seen'],
      rows: report.who.map((who) => [
        ...[who.name, who.kind === 'agent' ? 'agent' : 'person', who.came.join('; ')],
        ...[String(who.commands), String(who.failed), time(who.firstAt), time(who.lastAt)],
      ]),
    },
    { heading: `Commands: ${commands.total}, of which ${commands.failed} failed` },
    {
      columns: ['Time', 'Session', 'Who', 'Exit code', 'Command', 'Folder'],
      rows: commands.list.map(({ at, session, who, exitCode, text, folder }) => [
        time(at),
        session,
        who,
        exitCode === null ? '' : String(exitCode),
        text,
        folder,
      ]),
    },
    { heading: `Approvals: ${approvals.asked} asked, ${approvals.approved} approved, ${approvals.rejected} rejected` },
    {
      columns: ['Time', 'Session', 'Agent', 'Asked for', 'Became', 'By', 'Ran instead'],
      rows: approvals.list.map((each) => [
        time(each.at),
        each.session,
        each.actor,
        each.text,
        each.state,
        each.by ?? '',
        each.edited ?? '',
      ]),
    },
    { heading: 'Files changed, between checkpoints' },
    {
      columns: ['Folder', 'Between', 'Who worked there', 'Files', 'Which'],
      rows: report.files.map(({ folder, from, to, who, count, paths }) => [
        ...[folder, `${from} and ${to === null ? 'now' : to}`, who.join(', ') || 'nobody that is recorded', String(count)],
        paths.slice(0, 20).join(', ') + (count > 20 ? ` and ${count - 20} more` : ''),
      ]),
    },
    { heading: 'Notable' },
    { columns: ['Time', 'Session', 'What'], rows: report.notable.map(({ at, session, what }) => [time(at), session, what]) },
  ];
  return blocks;
}

export function markdownReport(report: Report): string {
  const parts = blocksOf(report).map((block) => {
    if ('heading' in block) return `## ${inMarkdown(block.heading)}`;
    if ('lines' in block) return block.lines.map(inMarkdown).join('  \n');
    const { columns, rows } = block;
    if (rows.length === 0) return 'None.';
    const row = (cells: readonly string[]) => `| ${cells.map(inMarkdown).join(' | ')} |`;
    return [row(columns), `|${' --- |'.repeat(columns.length)}`, ...rows.slice(-MAX_ROWS).map(row), ...leftOut(rows)].join('\n');
  });
  return `# ${inMarkdown(report.title)}\n\n${parts.join('\n\n')}\n`;
}

export function htmlReport(report: Report): string {
  const parts = blocksOf(report).map((block) => {
    if ('heading' in block) return `<h2>${inHtml(block.heading)}</h2>`;
    if ('lines' in block) return `<p>${block.lines.map(inHtml).join('<br>')}</p>`;
    const { columns, rows } = block;
    if (rows.length === 0) return '<p>None.</p>';
    const row = (cells: readonly string[], tag: 'td' | 'th') =>
      `<tr>${cells.map((cell) => `<${tag}>${inHtml(cell)}</${tag}>`).join('')}</tr>`;
    const body = rows.slice(-MAX_ROWS).map((cells) => row(cells, 'td'));
    return `<table><thead>${row(columns, 'th')}</thead><tbody>\n${body.join('\n')}\n</tbody></table>${leftOut(rows)
      .map((line) => `<p>${line}</p>`)
      .join('')}`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${inHtml(report.title)}</title>
<style>${STYLE}</style>
<h1>${inHtml(report.title)}</h1>
${parts.join('\n')}
</html>
`;
}

const STYLE = `:root{color-scheme:light dark}body{font:14px/1.45 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2rem;font-size:1.1rem}table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;border-bottom:1px solid #8884;overflow-wrap:anywhere}th{font-weight:600}`;

const leftOut = (rows: readonly unknown[]) =>
  rows.length > MAX_ROWS ? [`${rows.length - MAX_ROWS} earlier ones are in the JSON form.`] : [];

/** UTC, as whoever reads it may be elsewhere. */
const time = (at: number) =>
  new Date(at)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC');

/** What would not show, or would turn the rest around, is written out. */
const visible = (text: string) =>
  text
    .replaceAll(/\r?\n|\r/g, ' ⏎ ')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
    .slice(0, 2_000);

/** Every character that could begin markup or leave a table, escaped; what looks like an address is no link. */
const inMarkdown = (text: string) =>
  visible(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\`*_[\]|~$]/g, '\\$&')
    .replaceAll(/:\/\/|www\./gi, (found) => (found === '://' ? '&#58;//' : `${found.slice(0, -1)}&#46;`))
    .replaceAll('@', '&#64;');

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const inHtml = (text: string) => visible(text).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
