/** `export --format html`: one page that needs nothing else, in colours, with who ran what beside the output it made. */
import type { CommandRecord } from '#protocol/shapes.ts';
import { ScreenTerminal } from '../../host/screen/screen-terminal.ts';
import type { ExportTarget } from './formats.ts';
import { escapeHtml, htmlRow } from './html-row.ts';
import type { ExportSource } from './source.ts';

/** Parsed at once: so few lines that none scrolls out of the terminal's 1 000 unseen. */
const PIECE_LINES = 400;
const PIECE_BYTES = 16 * 1024;
/** As the app's dark theme has them (tokens.css); named by a number, so that a name cannot be one. */
const ACTOR_COLORS = ['#6ea8fe', '#f5a35c', '#6fcf97', '#f48fb8', '#b99cff', '#4fd1c9', '#e3c653', '#ff8d7f'];

export async function writeHtml(source: ExportSource, target: ExportTarget): Promise<void> {
  const { session } = source;
  const start = await source.start();
  const snapshot = start.text === '' ? null : new TextEncoder().encode(start.text);
  const terminal = new ScreenTerminal({ offset: start.offset, size: start.size, snapshot });
  await target(head(session.name, await source.startedAt()));
  const page = new Page(terminal, target);
  let cols = start.size.cols;
  for await (const step of source.steps(start.offset)) {
    if (step.is === 'command') page.mark(step.command);
    else if (step.is === 'resize') {
      await page.scrolled();
      terminal.resize(step.size);
      cols = step.size.cols;
    } else {
      for (const piece of pieces(step.bytes, cols)) {
        terminal.take(piece);
        terminal.events(); // nobody answers for the past
        await page.scrolled();
      }
    }
  }
  await page.rest();
  terminal.dispose();
  await target('</main>\n</body>\n</html>\n');
}

/** Rows as they leave the screen, with the marks that belong to them. */
class Page {
  readonly #terminal: ScreenTerminal;
  readonly #target: ExportTarget;
  /** Absolute number of the next row that is written. */
  #next: number;
  readonly #marks = new Map<number, CommandRecord>();

  constructor(terminal: ScreenTerminal, target: ExportTarget) {
    this.#terminal = terminal;
    this.#target = target;
    this.#next = this.#top - terminal.cells.baseY;
  }

  /** Here a command begins. */
  mark(command: CommandRecord): void {
    const { line, alternateScreen } = this.#terminal.cursor();
    if (!alternateScreen) this.#marks.set(line, command);
  }

  async scrolled(): Promise<void> {
    if (!this.#terminal.cursor().alternateScreen) await this.#write(this.#top);
  }

  /** The screen as it is at the end. */
  async rest(): Promise<void> {
    const { cells } = this.#terminal;
    let last = cells.length - 1;
    while (last >= 0 && (cells.getLine(last)?.translateToString(true) ?? '') === '') last--;
    await this.#write(this.#top - cells.baseY + last + 1);
  }

  get #top(): number {
    const { line, row } = this.#terminal.cursor();
    return line - row;
  }

  async #write(to: number): Promise<void> {
    const { cells } = this.#terminal;
    const first = this.#top - cells.baseY;
    const cell = cells.getNullCell();
    let html = '';
    for (let line = Math.max(this.#next, first); line < to; line++) {
      const row = cells.getLine(line - first);
      if (row) html += `${row.isWrapped ? '' : '\n'}${this.#markAt(line)}${htmlRow(row, cell)}`;
      this.#marks.delete(line);
    }
    this.#next = Math.max(this.#next, to);
    if (html !== '') await this.#target(html);
  }

  #markAt(line: number): string {
    const command = this.#marks.get(line);
    if (!command) return '';
    const who = command.submitter?.name ?? 'the session';
    const color = ACTOR_COLORS[(command.submitter?.color ?? 0) % ACTOR_COLORS.length] ?? FALLBACK;
    const when = new Date(command.startedAt).toISOString();
    const exit = command.exitCode === null ? '' : ` · exit ${command.exitCode}`;
    return `<i id="c${command.id}" style="color:${color}" title="${escapeHtml(`${who} · ${when}${exit} · ${command.text}`)}">${escapeHtml(who)}</i>`;
  }
}

const FALLBACK = '#dcdde2';

function* pieces(bytes: Uint8Array, cols: number): Generator<Uint8Array> {
  const longest = Math.max(1, Math.min(PIECE_BYTES, cols * PIECE_LINES));
  for (let from = 0; from < bytes.length; ) {
    let to = from;
    for (let lines = 0; to < bytes.length && to - from < longest && lines < PIECE_LINES; to++) if (bytes[to] === 0x0a) lines++;
    yield bytes.subarray(from, to);
    from = to;
  }
}

/** The policy allows the page its own styles and nothing else: no script, no request. */
function head(name: string, startedAt: number): string {
  const title = `${escapeHtml(name)} · cmdop`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
body { margin: 0; padding: 1.5em; background: #101114; color: #dcdde2; font: 13px/1.35 "JetBrains Mono", ui-monospace, Menlo, Consolas, monospace; }
h1 { font: 600 15px system-ui, sans-serif; margin: 0 0 1em 12ch; }
h1 small { font-weight: normal; opacity: .6; }
main { white-space: pre; padding-left: 12ch; position: relative; }
main i { position: absolute; left: 0; width: 11ch; overflow: hidden; text-overflow: ellipsis; font-style: normal; border-right: 2px solid; }
</style>
</head>
<body>
<h1>${escapeHtml(name)} <small>${new Date(startedAt).toISOString()}</small></h1>
<main>`;
}
