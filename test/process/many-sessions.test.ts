/** A host with more sessions than one answer holds: whoever asks on has all of them, and whoever cannot has the newest. */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { encodeMessage, MAGIC } from '#protocol/frames.ts';
import type { SessionPart } from '#protocol/sessions.ts';
import { type Engine, openEngine, type Person } from './engine.ts';
import { hello, strangerAt } from './stranger.ts';

/** Ended ones; about 500 bytes each. */
const ENDED = 3_000;

let engine: Engine;
let ann: Person;

/** The oldest session runs, and all others have ended since. */
beforeAll(async () => {
  engine = openEngine();
  await engine.startHost();
  const made = engine.person('maker', { reconnect: false });
  await made.client.request('session.create', { name: 'oldest', command: ['/bin/cat'], cwd: '/' });
  const { session } = await made.client.request('session.create', { name: 'over', command: ['/bin/true'], cwd: '/' });
  await made.until(() => made.sessions.some(({ id, state }) => id === session.id && state === 'ended'));
  await engine.killHost();
  const db = new DatabaseSync(join(engine.home, 'state', 'journal.db'));
  const { state } = db.prepare('SELECT state FROM sessions WHERE id = ?').get(session.id) as { state: string };
  const insert = db.prepare('INSERT INTO sessions VALUES (?,?,0,?)');
  db.exec('BEGIN');
  for (let number = 1; number < ENDED; number++) {
    const id = `zz${String(number).padStart(10, '0')}`;
    // Some were made in the same millisecond.
    const createdAt = session.createdAt + Math.floor(number / 3);
    insert.run(id, createdAt, JSON.stringify({ ...JSON.parse(state), id, name: `over-${number}`, createdAt }));
  }
  db.exec('COMMIT');
  db.close();
  expect(await engine.startHost()).toBe('ready');
  ann = engine.person('ann');
}, 60_000);
afterAll(() => engine.dispose());

test('a client sees all of them, and watches them, in the order in which they were made', { timeout: 60_000 }, async () => {
  const sessions = await ann.client.sessions();
  expect(sessions).toHaveLength(ENDED + 1);
  expect(new Set(sessions.map(({ id }) => id)).size).toBe(ENDED + 1);
  expect(sessions[0]).toMatchObject({ name: 'oldest', state: 'running' });
  await ann.client.whenConnected();
  expect(ann.sessions.map(({ id }) => id)).toEqual(sessions.map(({ id }) => id));
});

test('a client that asks no further has those that run, and the newest of the others', { timeout: 60_000 }, async () => {
  const { socket, next } = strangerAt(engine.home);
  const list = encodeMessage({ id: 2, method: 'session.list', params: {} });
  socket.write(Buffer.concat([MAGIC, hello(), list, encodeMessage({ id: 3, method: 'host.watch', params: {} })]));
  for (const id of [2, 3]) {
    const { sessions, next: rest } = (await next((message) => message.id === id)).result as SessionPart;
    expect(sessions.map(({ name }) => name)).toEqual(expect.arrayContaining(['oldest', `over-${ENDED - 1}`, `over-${ENDED - 500}`]));
    expect(sessions.length).toBeLessThan(ENDED);
    expect(rest).toBeDefined();
  }
  socket.destroy();
});

test('every session is found by its name, and `cmdop ls` has them all', { timeout: 60_000 }, async () => {
  for (const name of ['over', 'over-1', `over-${ENDED - 1}`, 'oldest'])
    expect((await ann.client.request('session.inspect', { session: name })).session.name).toBe(name);
  const options = { env: engine.env, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 } as const;
  const stdout = execFileSync(nodePath(), [resolve('dist/cli.mjs'), 'ls', '--json'], options);
  expect((JSON.parse(stdout) as unknown[]).length).toBe(ENDED + 1);
});
