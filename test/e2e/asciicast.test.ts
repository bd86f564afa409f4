/** An exported recording in the player of asciinema, in a real browser: it ends with the host's screen, cell for cell. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newTerminal } from '../contract/terminals.ts';
import { chromiumPath, projectDir, startWorld, takePicture, type World } from './launch.ts';
import { atTerminal, connectEngine } from './people.ts';

/** One cell as both show it; `fg` and `bg` are null for the default, and as `rgb(…)`. */
type Cell = { text: string; fg: string | null; bg: string | null; isBold: boolean; isUnderlined: boolean };
type Played = { cols: number; rows: Cell[][]; markers: string[]; duration: number };

const PLAYER = join(projectDir, 'node_modules', 'asciinema-player', 'dist', 'bundle');
/** Shows every colour of the palette once, so that the player itself says how it draws them. */
const PALETTE = `{"version":3,"term":{"cols":64,"rows":4}}\n[0.1,"o",${JSON.stringify(
  Array.from({ length: 256 }, (_, color) => `\x1b[38;5;${color}m#`).join(''),
)}]\n`;

let world: World;
let browser: Browser;
let page: Page;
beforeAll(async () => {
  world = startWorld();
  browser = await chromium.launch({ executablePath: chromiumPath(), args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
  page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
});
afterAll(async () => {
  await browser?.close();
  await world?.dispose();
});

test('the player ends with the same screen as the host, after colours, wide characters, an editor and a change of size', async () => {
  writeFileSync(join(world.home, 'poem'), 'one\ntwo 你好\nthree\n');
  await world.cmdop('new', 'show', '--detach', '--cwd', world.home);
  const person = atTerminal(world, ['--as', 'ben', 'attach', 'show', '--take'], { cols: 72, rows: 20 });
  const sees = async (text: string) => await person.until(text);
  await sees('$ ');
  person.type('for i in 1 9 16 99 200 250; do printf "\\033[38;5;%dm fg $i \\033[0;48;5;%dm bg \\033[0m" $i $i; done; echo\r');
  await sees('fg 250');
  person.type('vim -u NONE poem\r');
  await sees('three');
  person.type('oadded\x1b:wq\r');
  await sees('$ ');
  person.resize(90, 26);
  person.type('cat poem; printf "\\033[1;4;31mbold\\033[0;38;2;10;200;30;48;2;40;0;90mtrue\\033[7mturned\\033[0m 🙂 end\\n"\r');
  await sees('turned');
  person.dispose();
  const client = await connectEngine(world, 'reader');
  await expect.poll(async () => (await client.request('session.screen', { session: 'show' })).lines.join('\n')).toMatch(/turned.*end\n\$/);
  const file = join(world.home, 'show.cast');
  await world.cmdop('export', 'show', '--format', 'asciicast', '-o', file);
  const { session } = await client.request('session.inspect', { session: 'show' });
  const screen = await client.request('replay.screen', { session: 'show', offset: session.outputEnd });
  client.close();
  const view = newTerminal(screen.size);
  view.write(screen.text);

  const palette = (await play(PALETTE)).rows.flat().map(({ fg }) => fg);
  const played = await play(readFileSync(file, 'utf8'));
  await takePicture(page, 'asciicast-player');
  expect(played.cols).toBe(90);
  expect(played.markers.map((label) => label.replace(/ .*/s, ''))).toEqual(['ben:', 'ben:', 'ben:']);
  const shown = cellsOf(view.terminal, palette);
  expect(played.rows.map(textOf)).toEqual(shown.map(textOf));
  // The player draws its cursor as the cell's background.
  const { cursorX, cursorY } = view.terminal.buffer.active;
  const atCursor = played.rows[cursorY]?.[cursorX];
  expect(atCursor?.bg).not.toBeNull();
  if (atCursor) atCursor.bg = null;
  expect(played.rows.map(seen)).toEqual(shown.map(seen));
});

test('the player gives a character that combines a cell of its own: once it does not, the README need not say so', async () => {
  const { rows } = await play(`{"version":3,"term":{"cols":4,"rows":2}}\n[0.1,"o",${JSON.stringify('abce\u0301f')}]\n`);
  expect(rows.map((cells) => textOf(cells).trim())).toEqual(['abce', '\u0301f']);
});

const textOf = (cells: Cell[]) => cells.map(({ text }) => text).join('');

/** The colour of what is not there cannot be seen, and the player joins blanks to their neighbours. */
const seen = (cells: Cell[]) => cells.map((cell) => (cell.text.trim() === '' ? { ...cell, fg: null, isBold: false } : cell));

/** Plays a recording to its end, and reads what the player draws. */
async function play(cast: string): Promise<Played> {
  await page.setContent('<div id="player" style="width: 1100px"></div>');
  await page.addStyleTag({ path: join(PLAYER, 'asciinema-player.css') });
  await page.addScriptTag({ path: join(PLAYER, 'asciinema-player.min.js') });
  return await page.evaluate(async (data): Promise<Played> => {
    type Player = {
      addEventListener(name: string, listener: (event: { markers?: [number, string][] }) => void): void;
      getDuration(): Promise<number>;
      seek(to: number): Promise<void>;
    };
    const { AsciinemaPlayer } = window as unknown as { AsciinemaPlayer: { create(...given: unknown[]): Player } };
    const element = document.getElementById('player');
    const player = AsciinemaPlayer.create({ data }, element, { preload: true, fit: false, cursorMode: 'steady' });
    await new Promise<void>((ready) => player.addEventListener('ready', () => ready()));
    const duration = await player.getDuration();
    await player.seek(duration);
    // It draws with the next frames.
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    const lines = [...document.querySelectorAll<HTMLElement>('.ap-term .ap-line')];
    const canvas = document.querySelector<HTMLCanvasElement>('.ap-term canvas');
    const view = document.querySelector('.ap-term-symbols')?.getAttribute('viewBox')?.split(' ').map(Number);
    const [, , cols = 0, count = 0] = view ?? [];
    const context = canvas?.getContext('2d');
    if (!canvas || !context) throw new Error('the player has drawn nothing');
    const rows = Array.from({ length: count }, (_, row) => {
      const cells: Cell[] = Array.from({ length: cols }, (_, col) => {
        const x = Math.floor(((col + 0.5) * canvas.width) / cols);
        const y = Math.floor(((row + 0.5) * canvas.height) / count);
        const [r, g, b, a] = context.getImageData(x, y, 1, 1).data;
        return { text: '', fg: null, bg: a === 0 ? null : `rgb(${r}, ${g}, ${b})`, isBold: false, isUnderlined: false };
      });
      for (const span of lines.find((line) => Number(line.style.getPropertyValue('--row')) === row)?.querySelectorAll('span') ?? []) {
        let col = Number(span.style.getPropertyValue('--offset'));
        for (const { segment } of new Intl.Segmenter().segment(span.textContent ?? '')) {
          const cell = cells[col];
          if (cell) {
            cell.text = segment;
            cell.fg = span.style.color || null;
            cell.isBold = span.classList.contains('ap-bold');
            cell.isUnderlined = span.classList.contains('ap-underline');
          }
          col++;
        }
      }
      return cells;
    });
    const markers = data.split('\n').flatMap((line) => /^\[[\d.e-]+,"m",(".*")\]$/.exec(line)?.[1] ?? []);
    return { cols, rows, duration, markers: markers.map((label): string => JSON.parse(label)) };
  }, cast);
}

type Terminal = ReturnType<typeof newTerminal>['terminal'];

function cellsOf(terminal: Terminal, palette: (string | null)[]): Cell[][] {
  const { active } = terminal.buffer;
  const color = (isRgb: boolean, isPalette: boolean, value: number) => {
    if (isRgb) return `rgb(${value >> 16}, ${(value >> 8) & 255}, ${value & 255})`;
    return isPalette ? (palette[value] ?? null) : null;
  };
  return Array.from({ length: terminal.rows }, (_, row) =>
    Array.from({ length: terminal.cols }, (_, col): Cell => {
      const cell = active.getLine(active.baseY + row)?.getCell(col);
      if (!cell) throw new Error(`there is no cell ${row}, ${col}`);
      const [own, behind] = [
        color(cell.isFgRGB(), cell.isFgPalette(), cell.getFgColor()),
        color(cell.isBgRGB(), cell.isBgPalette(), cell.getBgColor()),
      ];
      const [fg, bg] = cell.isInverse() ? [behind, own] : [own, behind];
      const text = cell.getWidth() === 0 ? '' : cell.getChars() || ' ';
      return { text, fg, bg, isBold: cell.isBold() !== 0, isUnderlined: cell.isUnderline() !== 0 };
    }),
  );
}
