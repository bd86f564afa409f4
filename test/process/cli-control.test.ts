/** Who may act in a session, set and shown from a command line, and what an attached terminal says of it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SessionSummary } from '#protocol/shapes.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';

let cmdop: TestCmdop;
beforeAll(async () => {
  cmdop = await startCmdop({ actor: 'ann' });
  await cmdop.ok('new', 'work', '--detach');
});
afterAll(() => cmdop.dispose());

const attached = (count: number) => cmdop.untilSession('work', (session) => session.attached.length === count);

test('control is shown and changed, and an attached terminal says why nothing is typed and how to take it', {
  timeout: 30_000,
}, async () => {
  const ann = cmdop.terminal(['attach', 'work', '--as', 'ann']);
  const ben = cmdop.terminal(['attach', 'work', '--as', 'ben']);
  await attached(2);
  await cmdop.ok('control', 'work', 'mode', 'locked');
  expect(await cmdop.ok('control', 'work')).toMatch(/^control {2}nobody\nmode {5}locked\nagents {3}may act\nsize {5}controller: /);
  ben.type('x');
  await ben.until('nobody has control, and work is locked: not typed; Ctrl-^ takes control');

  await cmdop.ok('control', 'work', 'grant', 'ben');
  expect((await cmdop.json<SessionSummary>('control', 'work')).control.holder?.actor.name).toBe('ben');
  ann.type('x');
  await ann.until('ben has control, and work is locked: not typed; Ctrl-^ takes control');
  await cmdop.ok('control', 'work', 'take');
  expect((await cmdop.json<SessionSummary>('control', 'work')).control.holder?.actor.name).toBe('ann');
  await cmdop.ok('control', 'work', 'release');
  expect((await cmdop.json<SessionSummary>('control', 'work')).control.holder).toBeNull();
  await cmdop.ok('control', 'work', 'mode', 'turns');

  await cmdop.ok('size', 'work', '70x20');
  expect((await cmdop.untilSession('work', ({ size }) => size.cols === 70)).sizePolicy).toEqual({ cols: 70, rows: 20 });
  await cmdop.ok('size', 'work', 'controller');

  await cmdop.ok('role', 'work', 'ben', 'observer');
  ben.type('y');
  await ben.until('ben observes work');
  await cmdop.ok('kick', 'work', 'ben');
  expect(await ben.exited).toMatchObject({ code: 3 });
  expect(ben.text()).toContain('cmdop: ben was removed from work by its owner, who can let them in again');
  expect(await cmdop.run('screen', 'work', '--as', 'ben')).toMatchObject({ code: 3, stdout: '' });
  await cmdop.ok('role', 'work', 'ben', 'operator');
  await cmdop.ok('screen', 'work', '--as', 'ben');
});

test('agents are paused here and everywhere, and new sessions have the mode that was set', async () => {
  await cmdop.ok('pause', '--agents', 'work');
  expect(await cmdop.ok('control', 'work')).toContain('agents   paused');
  await cmdop.ok('pause', '--agents');
  expect(await cmdop.run('resume', '--agents', 'work')).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('still paused everywhere'),
  });
  await cmdop.ok('resume', '--agents');
  await cmdop.ok('control', '--default', 'open');
  expect(await cmdop.ok('control')).toBe('new sessions: mode open\nagents: may act\n');
  await cmdop.ok('new', 'later', '--detach');
  expect((await cmdop.json<SessionSummary>('control', 'later')).control.mode).toBe('open');
});

test.each([
  [['control', 'work', 'steal'], 2],
  [['control', 'work', 'grant'], 2],
  [['control', 'work', 'mode', 'chaos'], 2],
  [['control', 'work', 'grant', 'nobody-here'], 1],
  [['pause'], 2],
  [['role', 'work', 'ann', 'king'], 2],
  [['kick', 'work', 'ann'], 1],
  [['size', 'work', '0x9999'], 2],
])('%j is refused in one line', async (args, code) => {
  const outcome = await cmdop.run(...args);
  expect(outcome).toMatchObject({ code, stdout: '' });
  expect(outcome.stderr).toMatch(/^cmdop: [^\n]+\n$/);
});
