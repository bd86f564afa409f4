/** Files that were damaged while no host looked: the session goes on, what is intact is served, the rest is named. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import type { Offset } from '#protocol/ids.ts';
import { type Engine, openEngine, type Person, type Watched } from './engine.ts';

let engine: Engine;
beforeEach(() => {
  engine = openEngine();
});
afterEach(() => engine.dispose());

const LINES = 400_000;
const line = (n: number) => `line ${String(n).padStart(8, '0')}\r\n`;

/** A session that has printed six megabytes, so that its output lies in several files, and then echoes what is typed. */
async function talkative(): Promise<{ ann: Person; view: Watched; folder: string }> {
  await engine.startHost();
  const ann = engine.person('ann');
  const program = `seq -f 'line %08g' 1 ${LINES}; stty -echo; echo ready; exec cat`;
  const { session } = await ann.client.request('session.create', { name: 'log', command: ['/bin/sh', '-c', program], cwd: '/' });
  const view = ann.attach('log');
  await printed(view, 'ready');
  const folder = join(engine.home, 'state', 'sessions', session.id);
  await expect.poll(() => sealed(folder).length, { timeout: 10_000 }).toBeGreaterThan(1);
  const { output } = await ann.client.request('session.inspect', { session: 'log' });
  await ann.client.request('output.read', { session: 'log', from: (output.end - 1) as Offset }); // waits until the last byte is stored
  return { ann, view, folder };
}

const sealed = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.zst'));

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 0x10;
  writeFileSync(file, bytes);
}

async function echoes(view: Watched, word: string): Promise<void> {
  await view.until(() => view.stream.isAttached);
  expect((await view.type(`${word}\r`)).verdict).toBe('applied');
  await printed(view, word);
}

/** Looks at the newest output only: the whole of it is long. */
const printed = (view: Watched, word: string) =>
  view.until(() => Buffer.concat(view.received.bytes.slice(-3)).toString().slice(-200).includes(word));

const verify = (ann: Person) => ann.client.request('journal.verify', {});

test('a flipped bit in a sealed segment is found and named; the rest is served and the session goes on', async () => {
  const { ann, view, folder } = await talkative();
  await engine.killHost();
  const [first = '', second = ''] = sealed(folder);
  flip(join(folder, second), Math.floor(readFileSync(join(folder, second)).length / 2));
  rmSync(join(folder, 'checkpoints.jsonl')); // so that the screen must be drawn through the damage
  await engine.startHost();
  await echoes(view, 'after');
  const { id } = (await ann.client.request('session.inspect', { session: 'log' })).session;
  const report = await verify(ann);
  expect(report).toMatchObject({ ok: false, broken: null, damaged: [{ file: `sessions/${id}/${second}`, reason: expect.any(String) }] });
  const intact = await ann.client.request('output.read', { session: 'log', from: 0 as Offset, max: 1000 });
  expect(Buffer.from(intact.bytes, 'base64').toString().startsWith(line(1))).toBe(true);
  expect(first).not.toBe(second);
  const cli = existsSync(resolve('dist/cli.mjs')) ? 'dist/cli.mjs' : 'main/cli/main.ts';
  const { status, stdout, stderr } = spawnSync(nodePath(), [cli, 'verify'], { env: engine.env, encoding: 'utf8' });
  expect({ status, stdout }).toMatchObject({ status: 1, stdout: expect.stringMatching(/^the journal is whole/) });
  expect(stderr.trim().split('\n')).toEqual([expect.stringContaining(second)]);
});

test('a sealed segment cut short, and one that holds less than its name says, are named and never read in a circle', async () => {
  const { ann, view, folder } = await talkative();
  await engine.killHost();
  const [first = '', second = ''] = sealed(folder);
  truncateSync(join(folder, first), 1000);
  // A whole zstd frame, of another length.
  writeFileSync(join(folder, second), (await import('node:zlib')).zstdCompressSync(Buffer.from('short')));
  rmSync(join(folder, 'checkpoints.jsonl'));
  await engine.startHost();
  await echoes(view, 'after');
  expect((await verify(ann)).damaged?.map(({ file }) => file.split('/').at(-1))).toEqual([first, second]);
});

test('garbage behind the output that the keeper knows of is cut away: no byte that follows is lost', async () => {
  const { ann, view, folder } = await talkative();
  await engine.killHost();
  const [raw = ''] = readdirSync(folder).filter((name) => name.endsWith('.raw'));
  appendFileSync(join(folder, raw), Buffer.alloc(100_000, 'garbage'));
  writeFileSync(join(folder, 'output-0000009999999999.raw'), 'from nowhere');
  await engine.startHost();
  await echoes(view, 'after');
  view.stream.detach();
  const { output } = await ann.client.request('session.inspect', { session: 'log' });
  let tail = '';
  for (let from = output.end - 30; from < output.end; from = (output.end - 30 + tail.length) as Offset) {
    const page = await ann.client.request('output.read', { session: 'log', from: from as Offset }); // may end early
    tail += Buffer.from(page.bytes, 'base64').toString();
  }
  expect(tail).toMatch(/ready\r\nafter\r\n$/);
  expect((await verify(ann)).damaged).toMatchObject([{ file: expect.stringMatching(/9999999999\.raw\.damaged$/) }]);
});

test('a checkpoint of a billion columns, or of lines that are none, is named and not believed', async () => {
  const { ann, view, folder } = await talkative();
  await engine.killHost();
  const huge = { offset: 100, size: { cols: 1e9, rows: 1e9 }, line: 1, text: 'x' };
  const negative = { offset: -5, size: { cols: 80, rows: 24 }, line: 'x', text: 'x' };
  writeFileSync(join(folder, 'checkpoints.jsonl'), `${JSON.stringify(huge)}\n${JSON.stringify(negative)}\n{"offset":7,"si`);
  await engine.startHost();
  await echoes(view, 'after');
  expect((await verify(ann)).damaged?.map(({ reason }) => reason)).toEqual([1, 2, 3].map((n) => expect.stringContaining(`line ${n} `)));
});

test('a checkpoint with a flipped bit is not what the screen is drawn from, and is named', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  const program = 'echo the true words; stty -echo; exec cat';
  const { session } = await ann.client.request('session.create', { name: 'log', command: ['/bin/sh', '-c', program], cwd: '/' });
  const view = ann.attach('log', { size: { cols: 100, rows: 30 } }); // a change of size makes a checkpoint
  await view.until('the true words');
  const file = join(engine.home, 'state', 'sessions', session.id, 'checkpoints.jsonl');
  const checkpoints = () => (existsSync(file) ? readFileSync(file, 'latin1') : '');
  await expect.poll(() => checkpoints().includes('the true words'), { timeout: 10_000 }).toBe(true);
  await engine.killHost();
  const words = 'the true words';
  for (let at = checkpoints().indexOf(words); at >= 0; at = checkpoints().indexOf(words, at + 1)) flip(file, at + 4);
  expect(checkpoints()).toContain('the drue words');
  await engine.startHost();
  await echoes(view, 'after');
  const { lines } = await ann.client.request('session.screen', { session: 'log' });
  expect(lines.slice(0, 2)).toEqual(['the true words', 'after']);
  const { damaged } = await verify(ann);
  expect(new Set(damaged?.map(({ file: name }) => name))).toEqual(new Set([`sessions/${session.id}/checkpoints.jsonl`]));
});

test('a journal with a damaged page is set aside with what can be read of it kept, and every session is found again', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  for (const name of ['one', 'two']) await ann.client.request('session.create', { name, command: ['/bin/cat'], cwd: '/' });
  await ann.client.request('session.create', { name: 'over', command: ['/bin/true'], cwd: '/' });
  await ann.until(() => ann.sessions.some(({ name, end }) => name === 'over' && end !== null));
  await engine.killHost();
  const file = join(engine.home, 'state', 'journal.db');
  const db = new DatabaseSync(file);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const { rootpage } = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'commands'").get() as { rootpage: number };
  const { page_size: size } = db.prepare('PRAGMA page_size').get() as { page_size: number };
  db.close();
  const bytes = readFileSync(file);
  bytes.fill(0xa5, (rootpage - 1) * size, rootpage * size);
  writeFileSync(file, bytes);
  expect(await engine.startHost()).toBe('ready');
  const view = ann.attach('one');
  await echoes(view, 'after');
  const { sessions } = await ann.client.request('session.list', {});
  expect(sessions.map(({ name, state }) => `${name} ${state}`).sort()).toEqual(['one running', 'over ended', 'two running']);
  const report = await verify(ann);
  expect(report).toMatchObject({ ok: false, broken: null, damaged: [{ file: expect.stringContaining('journal.db.damaged-') }] });
});

test('a session whose row is damaged is found through its keeper, and an actor whose row is costs nobody else', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  for (const name of ['one', 'two']) await ann.client.request('session.create', { name, command: ['/bin/cat'], cwd: '/' });
  await engine.killHost();
  const db = new DatabaseSync(join(engine.home, 'state', 'journal.db'));
  db.exec(`UPDATE sessions SET state = '{"id":' WHERE state LIKE '%"one"%'`);
  db.exec(`UPDATE events SET payload = '{"cols":1e300,"rows":' WHERE kind = 'resize'`);
  db.exec(`UPDATE actors SET color = -4`);
  db.close();
  expect(await engine.startHost()).toBe('ready');
  await echoes(ann.attach('one'), 'after');
  const { sessions } = await ann.client.request('session.list', {});
  expect(sessions.map(({ name }) => name).sort()).toEqual(['one', 'two']);
});
