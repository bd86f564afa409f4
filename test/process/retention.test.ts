/** `cmdop retention`, `prune` and `pin`: what goes frees the disk, what must stay stays, and the journal tells of it. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KeptSession, PrunedSession, RetentionLimits } from '#protocol/retention.ts';
import type { JournalEvent } from '#protocol/shapes.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';

type State = { limits: RetentionLimits; sessions: KeptSession[]; sessionsBytes: number; journalBytes: number };
type Pruned = { pruned: PrunedSession[]; freedBytes: number; keptBytes: number };

let cmdop: TestCmdop;
beforeAll(async () => {
  cmdop = await startCmdop({ actor: 'ann' });
  // Nothing that could be compressed, so that it takes room.
  for (const name of ['old', 'pinned', 'new']) {
    await cmdop.ok('new', name, '--detach', '--', 'bash', '-c', `echo secret-of-${name}; head -c 3000000 /dev/urandom | base64 -w 100`);
    await cmdop.untilEnded(name);
  }
  await cmdop.ok('new', 'running', '--detach');
  await cmdop.ok('run', 'running', '--', 'echo still-here');
});
afterAll(() => cmdop.dispose());

const du = () => Number(/^\d+/.exec(spawnSync('du', ['-s', '-B1', join(cmdop.home, 'state')], { encoding: 'utf8' }).stdout)?.[0]);
const names = async () => (await cmdop.json<{ name: string }[]>('ls')).map(({ name }) => name);

test('without limits nothing is beyond them', async () => {
  expect(await cmdop.json<Pruned>('prune')).toMatchObject({ isDryRun: false, pruned: [], freedBytes: 0 });
  expect((await cmdop.run('prune')).stderr).toContain('nothing is beyond the limits (64 M of output a session, no limit in all');
});

test('the sizes are those that du counts', async () => {
  const state = await cmdop.json<State>('retention');
  const old = state.sessions.find(({ name }) => name === 'old');
  const counted = spawnSync('du', ['-s', '-B1', '--apparent-size', join(cmdop.home, 'state', 'sessions', old?.session ?? '?')]);
  expect(old?.bytes).toBeGreaterThan(3_000_000);
  expect(Math.abs((old?.bytes ?? 0) - Number.parseInt(counted.stdout.toString(), 10))).toBeLessThan(32_768);
});

test('a dry run says what a prune then does; the disk is free, who runs or is pinned stays', async () => {
  await cmdop.ok('pin', 'pinned');
  const limits = (await cmdop.json<State>('retention', '--total', '9M')).limits;
  expect(limits).toMatchObject({ totalBytes: 9 * 1024 * 1024, maxAgeMs: null });
  const dry = await cmdop.json<Pruned>('prune', '--dry-run');
  expect(dry.pruned).toMatchObject([{ name: 'old', reason: 'total' }]);
  expect(await names()).toEqual(['old', 'pinned', 'new', 'running']);
  const before = du();
  const pruned = await cmdop.json<Pruned>('prune');
  // Its sketches may have been made in between.
  const saidOf = ({ pruned }: Pruned) =>
    pruned.map(({ name, reason, commands, bytes }) => ({ name, reason, commands, mb: Math.round(bytes / 1e6) }));
  expect(saidOf(pruned)).toEqual(saidOf(dry));
  expect(before - du()).toBeGreaterThan(3_000_000);
  expect(Math.abs(before - du() - pruned.freedBytes)).toBeLessThan(200_000);
  expect(await names()).toEqual(['pinned', 'new', 'running']);
});

test('age takes what ended, with its history', async () => {
  expect(await cmdop.ok('retention', '--age', '1ms', '--total', 'none')).toContain('no limit in all');
  expect((await cmdop.json<Pruned>('prune')).pruned).toMatchObject([{ name: 'new', reason: 'age' }]);
  expect(await names()).toEqual(['pinned', 'running']);
  expect((await cmdop.run('log', 'new')).code).toBe(4);
  expect(await cmdop.ok('screen', 'running')).toContain('still-here');
  expect(await cmdop.ok('unpin', 'pinned')).toBe('');
  expect((await cmdop.json<Pruned>('prune')).pruned).toMatchObject([{ name: 'pinned' }]);
});

test('the journal is whole, says who removed what and how much, and has no word of it', async () => {
  expect(await cmdop.json('verify')).toMatchObject({ ok: true, broken: null, erased: expect.any(Number) });
  const events = (await cmdop.json<JournalEvent[]>('log', '--events')).filter(({ kind }) => kind === 'retention');
  const told = events.filter(({ payload }) => payload.is === 'pruned').map(({ actorName, payload }) => `${actorName} ${payload.name}`);
  expect(told).toEqual(['ann old', 'ann new', 'ann pinned']);
  await cmdop.ok('host', 'stop');
  expect(readFileSync(join(cmdop.home, 'state', 'journal.db')).includes('secret-of-old')).toBe(false);
});

test('checkpoints of a session go with it, others stay', async () => {
  await cmdop.ok('host', 'start');
  for (const name of ['kept', 'gone']) {
    await cmdop.ok('new', name, '--detach');
    await cmdop.ok('run', name, '--', `echo of-${name} > file`);
    await cmdop.ok('checkpoint', name);
  }
  await cmdop.ok('kill', 'gone');
  await cmdop.untilEnded('gone');
  const { pruned } = await cmdop.json<Pruned>('prune');
  expect(pruned.map(({ name }) => name)).toEqual(['gone']);
  const left = await cmdop.json<{ sessionName: string }[]>('checkpoints', 'kept');
  expect(left.map(({ sessionName }) => sessionName)).toEqual(['kept']);
  expect(await cmdop.json('verify')).toMatchObject({ ok: true });
});

test('a size or an age that is none is refused with what to write', async () => {
  expect(await cmdop.run('retention', '--total', 'much')).toMatchObject({ code: 2, stderr: expect.stringContaining('write 64M or 2G') });
  expect(await cmdop.run('retention', '--session-budget', '1M')).toMatchObject({ code: 1 });
  expect((await cmdop.json<State>('retention')).limits.sessionBytes).toBe(64 * 1024 * 1024);
});
