/** Output that is not packed yet, damaged on the disk of a real host: the session goes on, what is intact is served, the rest is named. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localPaths } from '#local/paths.ts';
import { nodePath } from '#local/runtime.ts';
import type { Offset, SessionId } from '#protocol/ids.ts';
import { readOutput } from '../../main/sdk/output.ts';
import { type Engine, openEngine, type Person } from './engine.ts';

/** What a damaged bit costs, bytes. */
const BLOCK = 4096;
const LINES = 40_000;
const line = (n: number) => `line ${String(n).padStart(8, '0')}\r\n`;
const END = LINES * line(1).length;

let engine: Engine;
beforeEach(() => {
  engine = openEngine();
});
afterEach(() => engine.dispose());

/** A session that has printed half a megabyte and then does as `then` says; `raw` is the file that has it all. */
async function session(then: string): Promise<{ ann: Person; folder: string; raw: string }> {
  await engine.startHost();
  const ann = engine.person('ann');
  const program = `seq -f 'line %08g' 1 ${LINES}; stty -echo; ${then}`;
  const created = await ann.client.request('session.create', { name: 'brief', command: ['/bin/sh', '-c', program], cwd: '/' });
  const folder = join(engine.home, 'state', 'sessions', created.session.id);
  return { ann, folder, raw: join(folder, 'output-0000000000000000.raw') };
}

/** And until its keeper was let go, which is once everything is on disk. */
async function untilEnded(ann: Person): Promise<void> {
  await ann.until(() => ann.sessions.some(({ state }) => state === 'ended'));
  const { keeperSocket } = localPaths({ ...engine.env });
  await expect.poll(() => existsSync(keeperSocket(ann.sessions[0]?.id ?? '')), { timeout: 10_000 }).toBe(false);
}

/** The host writes checksums some time after the output; nobody is told when. */
async function summed(folder: string): Promise<void> {
  const file = join(folder, 'sums-0000000000000000');
  const blocks = () => (existsSync(file) ? statSync(file).size / 16 : 0);
  await expect.poll(blocks, { timeout: 10_000 }).toBeGreaterThanOrEqual(Math.ceil(END / BLOCK));
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

function cmdop(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const program = existsSync(resolve('dist/cli.mjs')) ? 'dist/cli.mjs' : 'main/cli/main.ts';
  const child = spawn(nodePath(), [program, ...args], { env: engine.env });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => (said[stream] += text));
  return new Promise((ended) => child.on('close', (code) => ended({ code, ...said })));
}

test('a flipped bit in what a running session has printed last is a hole, whoever reads it; the session goes on', async () => {
  const { ann, folder, raw } = await session('exec cat');
  const first = ann.attach('brief');
  await first.until(line(LINES).trim());
  await summed(folder);
  const whole = readFileSync(raw).toString('latin1');
  await engine.killHost();
  const [from, to] = [60 * BLOCK, 61 * BLOCK];
  flip(raw, from + 100);
  rmSync(join(folder, 'checkpoints.jsonl'), { force: true }); // so that the screen must be drawn through the damage
  await engine.startHost();
  await first.until(() => first.stream.isAttached);
  expect((await first.type('after\r')).verdict).toBe('applied');
  await first.until('after');

  // Of a line in the damaged block nothing is found, of its neighbours everything.
  const lineAt = (at: number) => whole.slice(whole.indexOf('line ', at)).slice(0, 13);
  expect(await cmdop('search', '--output', lineAt(from + 90))).toMatchObject({ code: 1, stdout: '' });
  for (const at of [from - 100, to + 10]) expect((await cmdop('search', '--output', lineAt(at))).stdout).toContain(lineAt(at));

  // As a script or an agent reads it, piece by piece.
  const piece = (at: number) => readOutput(ann.client, first.stream.sessionId as SessionId, { from: at as Offset, max: 10 * END });
  expect(await piece(0)).toMatchObject({ next: from, gap: null });
  expect(await piece(from)).toMatchObject({ from: to, next: whole.length + 'after\r\n'.length, gap: { from, to } });

  const folderOut = join(engine.home, 'out');
  mkdirSync(folderOut);
  expect(await cmdop('export', 'brief', '--format', 'archive', '-o', join(folderOut, 'all.tar.gz'))).toMatchObject({ code: 0 });
  const tar = spawn('tar', ['-xzf', 'all.tar.gz'], { cwd: folderOut });
  await new Promise((ended) => tar.on('close', ended));
  const read = (name: string) => readFileSync(join(folderOut, 'cmdop-brief', name)).toString('latin1');
  expect(JSON.parse(read('gaps.json'))).toEqual([{ from, to }]);
  expect(read('output.raw')).toBe(`${whole.slice(0, from)}${whole.slice(to)}after\r\n`);

  const screen = (offset: number) => ann.client.request('replay.screen', { session: 'brief', offset: offset as Offset });
  expect(await screen(from - 10)).toMatchObject({ isExact: true });
  expect(await screen(to + 10)).toMatchObject({ isExact: false });

  const { code, stderr } = await cmdop('verify');
  expect(code).toBe(1);
  expect(stderr).toMatch(
    new RegExp(`^cmdop: sessions/\\w+/output-0{16}\\.raw: output from offset ${from} to ${to} is damaged: [^\\n]*\\n$`),
  );
});

test('all output of a session that ended has checksums: its last byte damaged is found at once, by the same host too', async () => {
  const { ann, raw } = await session('printf "the last words"');
  await untilEnded(ann);
  expect(await cmdop('verify')).toMatchObject({ code: 0 });
  const end = statSync(raw).size;
  flip(raw, end - 1);
  const from = end - (end % BLOCK);
  expect((await ann.client.request('journal.verify', {})).damaged).toEqual([
    { file: expect.stringContaining('.raw'), reason: expect.stringContaining(`from offset ${from} to ${end} is damaged`) },
  ]);
  const message = `output from offset ${from} to ${end} is missing or damaged on disk: \`cmdop verify\` names it; what follows is served`;
  const reading = ann.client.request('output.read', { session: 'brief', from: from as Offset });
  await expect(reading).rejects.toMatchObject({ code: 'output-pruned', message, data: { next: end } });
  expect(await cmdop('search', '--output', 'the last words')).toMatchObject({ code: 1 });
  expect((await cmdop('search', '--output', line(LINES / 2).trim())).code).toBe(0);
});

test('the end of a session that was cut off is named, and what is left of it served', async () => {
  const { ann, raw } = await session('printf "the last words"');
  await untilEnded(ann);
  await engine.killHost();
  const whole = readFileSync(raw).toString('latin1');
  truncateSync(raw, 100_000);
  await engine.startHost();
  await ann.until(() => ann.client.state.is === 'connected');
  // A screen of what is gone is named as well, if one was kept.
  const damaged = (await ann.client.request('journal.verify', {})).damaged?.filter(({ file }) => !file.endsWith('checkpoints.jsonl'));
  expect(damaged).toEqual([{ file: expect.stringContaining('.raw'), reason: `it has 100000 of ${whole.length} bytes` }]);
  const { bytes } = await ann.client.request('output.read', { session: 'brief', from: 90_000 as Offset });
  expect(Buffer.from(bytes, 'base64').toString('latin1')).toBe(whole.slice(90_000, 100_000));
});

test('whatever is cut off beside the output is named, where no record is torn as well, and a last file that is gone is missed', async () => {
  const { ann, folder, raw } = await session('printf "the last words"; sleep 3; printf "and more"');
  await untilEnded(ann);
  await engine.killHost();
  const end = statSync(raw).size;
  const [sums, marks, screens] = ['sums-0000000000000000', 'marks-0000000000000000', 'checkpoints.jsonl'].map((name) => join(folder, name));
  for (const [file = '', bytes] of [[sums, 16 + 4] as const, [marks, 16 + 4] as const, [screens, 1] as const])
    truncateSync(file, statSync(file).size - bytes);
  await engine.startHost();
  await ann.until(() => ann.client.state.is === 'connected');
  const damaged = async () =>
    (await ann.client.request('journal.verify', {})).damaged?.map(({ file, reason }) => `${file.split('/').at(-1)}: ${reason}`);
  expect(await damaged()).toEqual([
    `sums-0000000000000000: checksums in it are lost: whether output from offset ${end - (end % BLOCK)} to ${end} is whole cannot be said`,
    expect.stringMatching(/^marks-0{16}: it was cut off, behind \d+ times: /),
    'checkpoints.jsonl: it was cut off; replays begin elsewhere',
  ]);
  const read = await readOutput(ann.client, ann.sessions[0]?.id as SessionId, { from: (end - 8) as Offset, max: 100 });
  expect(Buffer.from(read.bytes).toString()).toBe('and more');

  await engine.killHost();
  rmSync(raw);
  await engine.startHost();
  await ann.until(() => ann.client.state.is === 'connected');
  expect(await damaged()).toContain('sums-0000000000000000: the output that it tells of, from offset 0 on, is gone');
});

test('a host that is stopped leaves no output without checksums', async () => {
  const { ann, folder } = await session('exec cat');
  const view = ann.attach('brief');
  await view.until(line(LINES).trim());
  await view.type('the very last\r');
  await view.until('the very last');
  await ann.client.request('host.stop', {});
  await expect.poll(() => engine.host?.exitCode ?? null).toBe(0);
  const [raw = ''] = readdirSync(folder).filter((name) => name.endsWith('.raw'));
  flip(join(folder, raw), statSync(join(folder, raw)).size - 4);
  await engine.startHost();
  await ann.until(() => ann.client.state.is === 'connected');
  expect(await cmdop('verify')).toMatchObject({ code: 1, stderr: expect.stringContaining(raw) });
});
