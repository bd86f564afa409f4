/** `cmdop export`: a session as a text, a page and a recording, whatever was printed, and whatever became of its host. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newTerminal } from '../contract/terminals.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';

type CastEvent = [number, string, string];

let cmdop: TestCmdop;
beforeAll(async () => {
  cmdop = await startCmdop();
  await cmdop.ok('new', 'work', '--detach', '--cwd', cmdop.home);
  writeFileSync(join(cmdop.home, 'hostile'), '</main><script>alert(1)</script><img src=x onerror=alert(2)> "quoted" & \u202eevil\n');
  await cmdop.ok('run', 'work', '--as', 'ann', '--', 'printf "\\033[1;31mred\\033[0m 你好\\n"; sleep 0.4; echo later');
  await cmdop.ok('run', 'work', '--as', '"><b>bob', '--', 'cat hostile');
  await cmdop.run('run', 'work', '--as', 'ann', '--', 'seq 1 1500; false');
});
afterAll(() => cmdop.dispose());

describe('as text', () => {
  test('is what a reader saw, without colours and control sequences', async () => {
    const text = await cmdop.ok('export', 'work', '--format', 'text');
    expect(text).toMatch(/^red 你好\nlater\n/m);
    expect(text).toContain(`\n${Array.from({ length: 1500 }, (_, at) => at + 1).join('\n')}\n`);
    expect(text).not.toMatch(/[\x00-\x08\x0b-\x1f]/);
  });

  test('of a part: from and to an offset or a time', async () => {
    const found = JSON.parse((await cmdop.ok('search', 'later', '--output', '-e', '--json', '-n', '1')).split('\n')[0] ?? '');
    expect(await cmdop.ok('export', 'work', '--format', 'text', '--from', `@${found.offset}`, '--to', `@${found.offset + 5}`)).toBe(
      'later\n',
    );
    expect((await cmdop.ok('export', 'work', '--format', 'text', '--from', '2999-01-01')).trim()).toBe('');
  });
});

describe('as a page', () => {
  test('has colours, and who ran what in the margin; hostile output and names stay text', async () => {
    const file = join(cmdop.home, 'work.html');
    await cmdop.ok('export', 'work', '--format', 'html', '-o', file);
    const page = readFileSync(file, 'utf8');
    expect(page).toContain('<span style="color:#f2777a;font-weight:bold">red</span> 你好');
    expect(page).toMatch(/<i id="c\d+" style="color:#[0-9a-f]{6}" title="ann · [^"]+">ann<\/i>/);
    expect(page).toContain('&#60;script&#62;alert(1)');
    expect(
      [...page.matchAll(/<(\/?[a-z!][a-z0-9]*)/g)]
        .map(([, tag]) => tag)
        .filter((tag) => ['script', 'img', 'b', '/script'].includes(tag ?? '')),
    ).toEqual([]);
    expect(page).not.toContain('\u202e');
    expect(page).toContain("default-src 'none'");
    for (const number of [2, 700, 1500]) expect(page).toContain(`\n${number}\n`);
  });
});

describe('as a recording', () => {
  const cast = async (...args: string[]) => {
    const [header, ...events] = (await cmdop.ok('export', 'work', '--format', 'asciicast', ...args)).trimEnd().split('\n');
    return { header: JSON.parse(header ?? ''), events: events.map((line): CastEvent => JSON.parse(line)) };
  };

  test('has a header, times as it went, and a marker for every command with its actor', async () => {
    const { header, events } = await cast();
    expect(header).toMatchObject({ version: 3, term: { cols: 80, rows: 24 }, title: expect.any(String) });
    const markers = events.filter(([, code]) => code === 'm').map(([, , label]) => label);
    expect(markers).toEqual([expect.stringMatching(/^ann: printf/), '"><b>bob: cat hostile', 'ann: seq 1 1500; false']);
    const at = (text: RegExp) => {
      let time = 0;
      for (const [interval, code, printed] of events) {
        time += interval;
        if (code === 'o' && text.test(printed)) return time;
      }
      return Number.NaN;
    };
    expect(at(/^later/) - at(/red\x1b\[0m/)).toBeGreaterThan(0.3);
    expect(at(/^later/) - at(/red\x1b\[0m/)).toBeLessThan(3);
  });

  test('makes the screen that the session shows, and tells nobody the secret of its shell', async () => {
    const { header, events } = await cast();
    const view = newTerminal({ cols: header.term.cols, rows: header.term.rows });
    for (const [, code, text] of events) if (code === 'o') view.write(text);
    const { lines } = await cmdop.json<{ lines: string[] }>('screen', 'work');
    const { active } = view.terminal.buffer;
    expect(
      lines.map((_, row) =>
        active
          .getLine(active.baseY + row)
          ?.translateToString(true)
          .trimEnd(),
      ),
    ).toEqual(lines.map((line) => line.trimEnd()));
    expect(events.map(([, , text]) => text).join('')).not.toMatch(/cmdop=|\x1b\]633/);
  });

  test('times outlive the host, killed as they are written', async () => {
    const before = (await cast()).events.filter(([, code]) => code === 'o');
    process.kill(await cmdop.hostPid(), 'SIGKILL');
    await cmdop.ok('run', 'work', '--', 'echo with another host');
    const after = (await cast()).events.filter(([, code]) => code === 'o');
    expect(after.slice(0, before.length - 1)).toEqual(before.slice(0, -1));
  });

  test('from the middle begins with the screen there', async () => {
    const found = JSON.parse((await cmdop.ok('search', '^1400$', '-e', '--output', '--json', '-n', '1')).split('\n')[0] ?? '');
    const { events } = await cast('--from', `@${found.offset}`);
    expect(events[0]?.[2]).toContain('1399');
    expect(events.map(([, , text]) => text).join('')).not.toContain('1300');
  });
});

test('a format that is none is refused with those that are; no half a file is left', async () => {
  expect(await cmdop.run('export', 'work', '--format', 'gif')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('asciicast, asciicast-v2, text, html'),
  });
  const file = join(cmdop.home, 'missing', 'x.txt');
  expect(await cmdop.run('export', 'work', '--format', 'text', '-o', file)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('ENOENT'),
  });
  expect(await cmdop.run('export', 'nowhere', '--format', 'text')).toMatchObject({ code: 4 });
});
