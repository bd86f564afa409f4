/** A report says who did what, from what a host remembers, and nothing in it becomes markup. */
import { expect, test } from 'vitest';
import { makeReport, type ReportSource } from '#client/report/report.ts';
import { htmlReport, markdownReport } from '#client/report/report-text.ts';
import type { Checkpoint } from '#protocol/checkpoints.ts';
import type { ActorId, Offset, SessionId } from '#protocol/ids.ts';
import type { Actor, CommandRecord, JournalEvent } from '#protocol/shapes.ts';

const SESSION = 's1' as SessionId;
const ann: Actor = { id: 'a' as ActorId, name: 'ann', kind: 'human', interface: 'cli', color: 0 };
const claude: Actor = { id: 'c' as ActorId, name: 'claude', kind: 'agent', interface: 'mcp', color: 1 };

const command = (id: number, by: Actor, text: string, exitCode: number): CommandRecord => ({
  ...{ id, session: SESSION, sessionName: 'app', text, authors: [by], submitter: by, unit: null, cwd: '/work/app' },
  ...{ startedAt: id * 1_000, endedAt: id * 1_000 + 500, durationMs: 500, exitCode, from: 0 as Offset, to: 1 as Offset, source: 'shell' },
});
let seq = 0;
const event = (at: number, kind: string, by: Actor | null, payload: Record<string, unknown>): JournalEvent => ({
  ...{ seq: ++seq, session: SESSION, at, actor: by?.id ?? null, actorName: by?.name ?? null, interface: by?.interface ?? null },
  ...{ kind, outputOffset: null, payload },
});
const checkpoint = (id: number, at: number, paths: string[]): Checkpoint => ({
  ...{
    id,
    session: SESSION,
    sessionName: 'app',
    folder: '/work/app',
    reason: 'agent',
    message: null,
    actor: claude,
    at,
    outputOffset: 0 as Offset,
  },
  ...{ files: 3, changed: { added: 0, modified: paths.length, deleted: 0, paths }, skipped: { count: 0, paths: [] }, isLate: false },
});

const source: ReportSource = {
  title: 'Session app',
  since: null,
  now: 10_000,
  sessions: [{ id: SESSION, name: 'app' }],
  commands: [command(1, ann, 'make', 0), command(3, claude, 'npm test', 1), command(5, claude, 'npm run build', 0)],
  events: [
    event(500, 'attach', ann, { via: 'unix socket' }),
    event(600, 'attach', claude, { via: 'unix socket', authentication: { by: 'key', key: 'SHA256:abc' } }),
    event(2_500, 'approval', claude, { is: 'asked', id: 1, text: 'npm test' }),
    event(2_600, 'approval', ann, { is: 'approved', id: 1, edited: null }),
    event(2_700, 'approval', claude, { is: 'asked', id: 2, text: 'rm -rf /' }),
    event(2_800, 'approval', ann, { is: 'rejected', id: 2 }),
    event(4_000, 'control', ann, { by: 'take', epoch: 2 }),
    event(4_100, 'agents', ann, { is: 'paused', where: 'session' }),
    event(4_200, 'gap', null, { from: 10, to: 20 }),
  ],
  checkpoints: [checkpoint(1, 2_000, ['everything']), checkpoint(2, 4_000, ['src/a.ts', 'src/b.ts'])],
  sinceLast: [{ folder: '/work/app', checkpoint: 2, at: 4_000, paths: ['dist/out.js'] }],
};

test('people and agents with their commands and how they came, approvals with who decided, files by who worked there', () => {
  const report = makeReport(source);
  expect(report.who.map(({ name, kind, came, commands, failed }) => ({ name, kind, came, commands, failed }))).toEqual([
    { name: 'claude', kind: 'agent', came: ['MCP, as a guest by a key SHA256:abc'], commands: 2, failed: 1 },
    { name: 'ann', kind: 'human', came: ['the command line, on this account'], commands: 1, failed: 0 },
  ]);
  expect(report.commands).toMatchObject({ total: 3, failed: 1 });
  expect(report.approvals).toMatchObject({ asked: 2, approved: 1, rejected: 1 });
  expect(report.approvals.list[1]).toMatchObject({ actor: 'claude', text: 'rm -rf /', state: 'rejected', by: 'ann' });
  expect(report.files).toEqual([
    { folder: '/work/app', from: 1, to: 2, who: ['claude'], count: 2, paths: ['src/a.ts', 'src/b.ts'] },
    { folder: '/work/app', from: 2, to: null, who: ['claude'], count: 1, paths: ['dist/out.js'] },
  ]);
  expect(report.notable.map(({ what }) => what)).toEqual([
    'control was taken by ann',
    'ann paused agents',
    'output from offset 10 to 20 was lost',
  ]);
});

test('what an agent types cannot become markup, a link or another row', () => {
  const evil =
    '<img src=x onerror=alert(1)> | [x](https://evil.example) `code` **bold**\n| forged | row |\u202e www.evil.example ann@evil.example';
  const report = makeReport({
    ...source,
    title: evil,
    commands: [command(7, { ...claude, name: evil }, evil, 0)],
    checkpoints: [checkpoint(1, 1, []), checkpoint(2, 2, [evil])],
  });
  const html = htmlReport(report);
  expect(html).not.toContain('<img');
  expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
  expect(html).not.toContain('\u202e');
  const markdown = markdownReport(report);
  const rows = markdown.split('\n').filter((line) => line.includes('forged'));
  for (const line of rows) expect(line.startsWith('| ') || line.startsWith('# ')).toBe(true);
  expect(markdown).not.toMatch(/(?<!\\)\[x|<img|https:\/\/|www\.|@|\u202e|(?<!\\)`/);
  // Bars within cells are escaped: each row has as many cells as its head.
  const table = markdown.slice(markdown.indexOf('| Time | Session | Who'));
  const cells = (line: string) => line.split(/(?<!\\)\|/).length;
  const [head = '', , first = ''] = table.split('\n');
  expect(cells(first)).toBe(cells(head));
});

test('without anything done it says so', () => {
  const report = makeReport({ ...source, commands: [], events: [], checkpoints: [], sinceLast: [] });
  expect(report).toMatchObject({ from: 10_000, who: [], commands: { total: 0 }, files: [] });
  expect(markdownReport(report)).toContain('## Commands: 0, of which 0 failed\n\nNone.');
});
