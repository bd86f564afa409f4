/** Damaged files, tampered records, and a disk that refuses: sessions go on, the user is told, what is intact is served. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mountSmallDisk, unmountDisk } from '../small-disk.ts';
import { type Engine, openEngine, type Person, type Watched } from './engine.ts';

let engine: Engine;
beforeEach(() => {
  engine = openEngine();
});
afterEach(() => engine.dispose());

const journal = () => join(engine.home, 'state', 'journal.db');

async function session(name = 'one'): Promise<{ ann: Person; view: Watched }> {
  await engine.startHost();
  const ann = engine.person('ann');
  await ann.client.request('session.create', { name, command: ['/bin/cat'], cwd: '/' });
  const view = ann.attach(name);
  await view.type('before\r');
  await view.until('before\nbefore');
  return { ann, view };
}

test('a damaged journal is set aside and named; the running session is found again through its keeper', async () => {
  const { ann, view } = await session();
  await engine.killHost();
  for (const suffix of ['-wal', '-shm']) rmSync(journal() + suffix, { force: true });
  writeFileSync(journal(), 'this is no database, and it is longer than a header of SQLite would be'.repeat(100));
  await engine.startHost();
  await view.type('after\r');
  await view.until('after\nafter');
  const { warnings } = await ann.client.request('host.status', {});
  expect(warnings).toEqual([expect.stringMatching(/the journal was damaged and set aside as .*journal\.db\.damaged-/)]);
  expect(readdirSync(join(engine.home, 'state')).some((name) => name.startsWith('journal.db.damaged-'))).toBe(true);
});

test('a changed record is found, and named by its number', async () => {
  const { ann } = await session();
  expect(await ann.client.request('journal.verify', {})).toMatchObject({ ok: true });
  const db = new DatabaseSync(journal());
  const { seq } = db.prepare("SELECT seq FROM events WHERE kind = 'input' LIMIT 1").get() as { seq: number };
  db.prepare("UPDATE events SET actor = 'someone-else' WHERE seq = ?").run(seq);
  db.close();
  expect(await ann.client.request('journal.verify', {})).toMatchObject({ ok: false, broken: { seq, reason: 'its content was changed' } });
});

test('a removed record is found', async () => {
  const { ann } = await session();
  const db = new DatabaseSync(journal());
  db.exec('DELETE FROM events WHERE seq = 2');
  db.close();
  expect(await ann.client.request('journal.verify', {})).toMatchObject({
    ok: false,
    broken: { seq: 3, reason: '1 records before it are missing' },
  });
});

test('torn and flipped output files cost what they held, nothing else', async () => {
  const { ann, view } = await session();
  await ann.client.request('output.read', { session: 'one', from: 0 as never }); // waits until it is stored
  await engine.killHost();
  const folder = join(engine.home, 'state', 'sessions', view.stream.sessionId ?? '');
  writeFileSync(join(folder, 'checkpoints.jsonl'), '{"offset":5,"size":{"cols"');
  const [output = ''] = readdirSync(folder).filter((name) => name.endsWith('.raw'));
  writeFileSync(join(folder, output), readFileSync(join(folder, output)).subarray(0, 3));
  await engine.startHost();
  await view.type('after\r');
  await view.until('after\nafter');
  expect((await ann.client.request('session.screen', { session: 'one' })).lines.join('\n')).toContain('after');
});

test('a state folder that cannot be written: the host says so and what to do', async () => {
  writeFileSync(join(engine.home, 'state'), 'a file where the folder should be');
  expect(await engine.startHost()).toMatch(/^error: .*state.*CMDOP_HOME/);
});

test('a full disk: typing and output go on, people are told, and the journal catches up when there is room', async (context) => {
  const folder = join(engine.home, 'state');
  if (!mountSmallDisk(folder)) return context.skip('this user may not mount a small disk');
  try {
    const { ann, view } = await session();
    const ballast = join(folder, 'ballast');
    let warnings: string[] = [];
    execFileSync('sh', ['-c', `dd if=/dev/zero of='${ballast}' bs=4k 2>/dev/null; true`]);
    for (let n = 0; n < 400 && warnings.length === 0; n++) {
      expect((await view.type(`full ${n}\r`)).verdict).toBe('applied');
      warnings = (await ann.client.request('host.status', {})).warnings;
    }
    expect(warnings.join(' ')).toMatch(/cannot be (written|stored).*make room/);
    await view.type('still typing\r');
    // Its echo, and cat's copy; what was typed before may come between them.
    await view.until(/still typing\n[\s\S]*still typing\n/);
    rmSync(ballast);
    await view.type('room again\r');
    await view.until(/room again\n[\s\S]*room again\n/);
    await expect.poll(async () => (await ann.client.request('host.status', {})).warnings, { timeout: 10_000 }).toEqual([]);
    // The chain is whole; output that the disk refused is missing, and named.
    expect(await ann.client.request('journal.verify', {})).toMatchObject({ broken: null });
    const inputs = await ann.client.request('journal.list', { session: 'one', kinds: ['input'], after: 0, limit: 500 });
    expect(inputs.events.at(-1)?.payload).toMatchObject({ bytes: expect.any(Number) });
    expect(existsSync(join(folder, 'journal.db'))).toBe(true);
  } finally {
    unmountDisk(folder);
  }
});

test('a session whose files the disk does not let go is off the list, its files are named, and go when they can', async (context) => {
  const { ann, view } = await session();
  const folder = join(engine.home, 'state', 'sessions', view.stream.sessionId ?? '');
  const held = join(folder, 'held');
  if (!mountSmallDisk(held)) return context.skip('this user may not mount a small disk');
  try {
    await ann.client.request('session.kill', { session: 'one', signal: 'SIGKILL' });
    await ann.until(() => view.end !== null);
    const removed = ann.client.request('session.remove', { session: 'one' });
    await expect(removed).rejects.toThrow(/^one is off the list, but its files cannot be removed \(EBUSY.*held.*\): make .* removable/);
    const { sessions } = await ann.client.request('session.list', {});
    expect(sessions).toEqual([]);
    expect((await ann.client.request('host.status', {})).warnings).toEqual([expect.stringContaining(folder)]);
    // The next host goes on with it.
    await engine.killHost();
    expect(await engine.startHost()).toBe('ready');
  } finally {
    unmountDisk(held);
  }
  await expect.poll(() => existsSync(folder), { timeout: 60_000 }).toBe(false);
  await expect.poll(async () => (await ann.client.request('host.status', {})).warnings, { timeout: 60_000 }).toEqual([]);
});
