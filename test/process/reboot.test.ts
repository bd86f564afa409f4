/** After a reboot every session is still listed with what it showed, and one action opens a new shell below; nothing is run again. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localPaths } from '#local/paths.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import { type Engine, openEngine, type Person } from './engine.ts';

let engine: Engine;
beforeEach(() => {
  engine = openEngine();
});
afterEach(() => engine.dispose());

/** Everything dies at once, as when the power goes, and the machine boots again. */
async function reboot(ann: Person): Promise<void> {
  const pids: number[] = [];
  for (const { id, state } of (await ann.client.request('session.list', {})).sessions) {
    if (state === 'ended') continue;
    const { keeperPid, shellPid, output } = await ann.client.request('session.inspect', { session: id });
    await ann.client.request('output.read', { session: id, from: Math.max(output.start, output.end - 1) as typeof output.end }); // waits until all of it is stored
    pids.push(keeperPid ?? 0, shellPid ?? 0);
  }
  await engine.killHost();
  for (const pid of pids) if (pid > 0) process.kill(pid, 'SIGKILL');
  const db = new DatabaseSync(localPaths({ CMDOP_HOME: engine.home }).journalFile);
  db.exec("UPDATE sessions SET state = json_set(state, '$.bootId', 'the boot before')");
  db.close();
  await engine.startHost();
  await ann.until(() => ann.client.state.is === 'connected');
}

async function sessionNamed(ann: Person, name: string): Promise<SessionSummary> {
  const { sessions } = await ann.client.request('session.list', {});
  const found = sessions.find((session) => session.name === name);
  if (!found) throw new Error(`there is no session ${name}`);
  return found;
}

async function ran(ann: Person, session: string): Promise<string[]> {
  const { commands } = await ann.client.request('history.list', { session });
  return commands.map(({ text }) => text);
}

const isOver = (ann: Person, text: string) => ann.commands.some((command) => command.text === text && command.endedAt !== null);

test('a session ends with the machine and goes on below its old screen, in its folder, with its history', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  const folder = join(engine.home, 'project');
  mkdirSync(folder);
  await ann.client.request('session.create', { name: 'work', cwd: engine.home });
  const before = ann.attach('work', { size: { cols: 80, rows: 10 } });
  await before.until('# ');
  for (const line of ['seq 1 40', 'cd project', 'echo the last words']) {
    await before.type(`${line}\r`);
    await ann.until(() => isOver(ann, line));
  }
  before.stream.detach();
  await reboot(ann);

  const ended = await sessionNamed(ann, 'work');
  expect(ended).toMatchObject({ state: 'ended', end: { reason: 'machine-restarted' }, cwd: folder });
  const screen = await ann.client.request('session.screen', { session: 'work' });
  expect(screen.lines).toContain('the last words');
  expect(await ran(ann, 'work')).toEqual(['seq 1 40', 'cd project', 'echo the last words']);
  const old = await ann.client.request('output.read', { session: 'work', from: 0 as never });
  expect(Buffer.from(old.bytes, 'base64').toString()).toContain('\r\n2\r\n3\r\n');

  const { session, isHome } = await ann.client.request('session.restart', { session: 'work' });
  expect(session).toMatchObject({ id: ended.id, name: 'work', state: 'running', cwd: folder, command: ['/bin/bash'] });
  expect(isHome).toBe(false);
  const after = ann.attach('work', { size: { cols: 80, rows: 10 }, scrollback: 1000 });
  await after.until(/\n── new shell · \d+ \w+ \d{4}, \d\d:\d\d · the old one ended with the machine ──\n/);
  await after.type('echo in $PWD\r');
  await after.until(`\nin ${folder}`);
  const text = after.text();
  const order = ['\n1\n2\n', '\nthe last words\n', '── new shell', `\nin ${folder}`].map((part) => text.indexOf(part));
  expect(order.every((at, i) => at > (order[i - 1] ?? 0))).toBe(true);
  await ann.until(() => isOver(ann, 'echo in $PWD'));
  expect(await ran(ann, 'work')).toEqual(['seq 1 40', 'cd project', 'echo the last words', 'echo in $PWD']);

  // Byte n stays byte n: the old output is where it was, and the new one begins at its end.
  const whole = await ann.client.request('output.read', { session: 'work', from: 0 as never, max: 512 * 1024 });
  const bytes = Buffer.from(whole.bytes, 'base64');
  expect(bytes.subarray(0, old.end).equals(Buffer.from(old.bytes, 'base64'))).toBe(true);
  expect(bytes.subarray(old.end).toString()).toContain('── new shell');
  const { events } = await ann.client.request('journal.list', { session: 'work', kinds: ['session'] });
  expect(events.map(({ payload }) => payload.is)).toEqual(['created', 'ended', 'restarted']);

  // The second life is a life like any other: a crash of the host costs it nothing, the next reboot ends it again.
  await engine.killHost();
  await engine.startHost();
  await after.type('echo back\r');
  await after.until('\nback');
  after.stream.detach();
  await reboot(ann);
  expect(await sessionNamed(ann, 'work')).toMatchObject({ state: 'ended', end: { reason: 'machine-restarted' }, cwd: folder });
  await ann.client.request('session.restart', { session: 'work' });
  const third = ann.attach('work', { scrollback: 1000 });
  await third.until(() => third.text().split('── new shell').length === 3);
});

test('a command is shown, not run again; whatever it left on in the terminal is off', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  const runs = join(engine.home, 'runs');
  const program = `echo run >> ${runs}; printf '\\033[?1000h\\033[?25l\\033[31mred and counting\\033]0;half a tit'; sleep 1000`;
  await ann.client.request('session.create', { name: 'job', command: ['/bin/sh', '-c', program], cwd: engine.home });
  const job = ann.attach('job');
  await job.until('counting');
  await reboot(ann);
  await job.until(() => job.end !== null);
  await ann.client.request('session.restart', { session: 'job' });
  const after = ann.attach('job', { size: { cols: 200, rows: 24 } });
  await after.until('# ');
  await expect.poll(() => after.view.terminal.cols).toBe(200); // what was printed before is laid out anew
  expect(after.text()).toContain('red and counting\n── new shell');
  expect(after.text()).toContain('it ran: /bin/sh -c echo run');
  const { modes } = await ann.client.request('session.inspect', { session: 'job' });
  expect(modes).toMatchObject({ cursorVisible: true, mouseTracking: 'none' });
  expect(readFileSync(runs, 'utf8')).toBe('run\n');
  await after.type('exit 3\r');
  await after.until(() => after.end !== null);
  expect(after.end).toMatchObject({ reason: 'exited', code: 3 });
  expect(readFileSync(runs, 'utf8')).toBe('run\n');
});

test('what a full-screen program showed is kept as text above the new shell', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  await ann.client.request('session.create', {
    name: 'edit',
    command: ['/bin/sh', '-c', "printf 'before\\033[?1049h\\033[H~ a file ~'; sleep 1000"],
  });
  await ann.attach('edit').until('~ a file ~');
  await reboot(ann);
  expect((await ann.client.request('session.screen', { session: 'edit' })).lines[0]).toBe('~ a file ~');
  await ann.client.request('session.restart', { session: 'edit' });
  const after = ann.attach('edit', { size: { cols: 200, rows: 24 } });
  await after.until('# ');
  await expect.poll(() => after.view.terminal.cols).toBe(200);
  expect(after.text()).toMatch(/^before\n~ a file ~\n── new shell/);
});

test('a session whose folder is gone begins at home, and says so', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  const folder = join(engine.home, 'gone');
  mkdirSync(folder);
  await ann.client.request('session.create', { name: 'work', cwd: folder });
  await ann.attach('work').until('# ');
  await reboot(ann);
  rmSync(folder, { recursive: true });
  const { session, isHome } = await ann.client.request('session.restart', { session: 'work' });
  expect(isHome).toBe(true);
  expect(session.cwd).toBe(engine.home);
  const after = ann.attach('work', { size: { cols: 200, rows: 24 } });
  await after.until(`its folder ${folder} is gone`);
});

test('any ended session can go on, a running one cannot, and two who ask at once get one shell', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'work', cwd: '/' });
  await expect(ann.client.request('session.restart', { session: 'work' })).rejects.toMatchObject({ code: 'session-running' });
  const work = ann.attach('work');
  await work.until('# ');
  await work.type('exit 7\r');
  await work.until(() => work.end !== null);
  const answers = await Promise.allSettled([1, 2].map(() => ann.client.request('session.restart', { session: 'work' })));
  expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  const after = ann.attach('work');
  await after.until('the old one ended with exit code 7 ──');
  await after.type('echo $CMDOP_SESSION\r');
  await after.until(`\n${(await sessionNamed(ann, 'work')).id}`);
  const { keeperPid } = await ann.client.request('session.inspect', { session: 'work' });
  process.kill(keeperPid ?? 0, 'SIGKILL');
  await after.until(() => after.end?.reason === 'keeper-lost');
  expect(existsSync(localPaths({ CMDOP_HOME: engine.home }).keeperSocket(after.stream.sessionId ?? ''))).toBe(true);
  await ann.client.request('session.restart', { session: 'work' });
  const last = ann.attach('work');
  await last.until('the old one ended with its keeper ──');
});
