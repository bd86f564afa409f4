/** A host whose state cannot be written when it starts: programs that run are reached, what is kept is shown, nothing more is claimed. */
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, type TestContext, test } from 'vitest';
import type { CommandRecord, HostStatus, JournalEvent, SessionSummary, VerifyReport } from '#protocol/shapes.ts';
import { makeReadOnly, makeWritable, mountSmallDisk, unmountDisk } from '../small-disk.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';
import { makeAccount, whyNoAccounts } from './unix-accounts.ts';

let cmdop: TestCmdop;
let isMounted = false;
const state = () => join(cmdop.home, 'state');

beforeEach(async (context: TestContext) => {
  cmdop = await startCmdop();
  isMounted = mountSmallDisk(state());
  if (!isMounted) context.skip('this user may not mount a small disk');
});
afterEach(async () => {
  if (isMounted) unmountDisk(state());
  await cmdop.dispose();
});

const UNKEPT =
  /the journal cannot be written \(EROFS.*journal\.db writable; until then what happens is recorded in memory only and ends with this host/;

/** Ends the host as a crash does; from then on the disk is one that cannot be written. */
async function crashOnto(makeDisk: (folder: string) => void): Promise<void> {
  process.kill(await cmdop.hostPid(), 'SIGKILL');
  // Busy while the dying host has files open.
  await expect.poll(() => tries(() => makeDisk(state())), { timeout: 10_000 }).toBe(true);
}

function tries(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

/** A shell that has run `echo before`, and a session that has ended. */
async function begin(): Promise<void> {
  await cmdop.ok('new', 'over', '--detach', '--', 'sh', '-c', 'echo last words');
  await cmdop.untilEnded('over');
  const terminal = cmdop.terminal(['new', 'work']);
  await terminal.until(/^\$$/m);
  terminal.type('echo be""fore\r');
  await terminal.until(/^before$/m);
  await cmdop.untilSession('work', ({ running }) => running === null);
  terminal.type(DETACH);
  await terminal.exited;
}

const DETACH = '\x1c';

/** Attaches, runs `echo WORD` and detaches. */
async function says(word: string): Promise<string> {
  const terminal = cmdop.terminal(['attach', 'work']);
  await terminal.until(/^\$$/m);
  terminal.type(`echo ${word.slice(0, 2)}""${word.slice(2)}\r`);
  await terminal.until(new RegExp(`^${word}$`, 'm'));
  terminal.type(DETACH);
  await terminal.exited;
  return terminal.text();
}

const log = (session: string) => cmdop.json<CommandRecord[]>('log', session);
const commands = async (session: string) => (await log(session)).map(({ text }) => text);
const warnings = async () => (await cmdop.json<HostStatus>('host', 'status')).warnings;

test('sessions are reached, typed into and shown, and people are told that nothing is kept', async () => {
  await begin();
  await crashOnto(makeReadOnly);
  const list = await cmdop.run('ls');
  expect(list).toMatchObject({ code: 0, stdout: expect.stringMatching(/work +idle[\s\S]*/), stderr: expect.stringMatching(UNKEPT) });
  expect(list.stdout).toMatch(/over +ended/);
  expect(await says('meanwhile')).toMatch(/^before$/m);
  expect((await warnings())[0]).toMatch(UNKEPT);
  // What was kept is served, of sessions that run and that have ended; what happens now is shown as long as this host lives.
  expect(await commands('work')).toEqual(['echo be""fore', 'echo me""anwhile']);
  expect(await cmdop.ok('screen', 'over')).toContain('last words');
  const verified = await cmdop.run('verify', '--json');
  const { broken, damaged = [] } = JSON.parse(verified.stdout) as VerifyReport;
  expect({ code: verified.code, broken }).toEqual({ code: 1, broken: null });
  expect(damaged[0]).toMatchObject({ file: 'journal.db', reason: expect.stringMatching(/^records from \d+ on are in memory only/) });
  expect(damaged.slice(1)).toEqual([{ file: expect.stringMatching(/^sessions\//), reason: expect.stringMatching(/could not be stored$/) }]);
  expect(await cmdop.run('new', 'more', '--detach')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/not started.*cannot be made/),
  });
  expect(await cmdop.run('restart', 'over')).toMatchObject({ code: 1, stderr: expect.stringMatching(/nothing of it can be kept/) });
});

test('a later host that can write goes on as ever, and claims nothing of the time when none could', async () => {
  await begin();
  await crashOnto(makeReadOnly);
  await says('meanwhile');
  await crashOnto(makeWritable);
  expect((await cmdop.run('ls')).stderr).toBe('');
  expect(await says('again')).toMatch(/^again$/m);
  expect(await commands('work')).toEqual(['echo be""fore', 'echo ag""ain']);
  const events = await cmdop.json<JournalEvent[]>('log', '--events');
  const told = events.filter(({ kind, payload }) => kind === 'host' && payload.is === 'unrecorded');
  expect(told.map(({ payload }) => payload)).toEqual([{ is: 'unrecorded', since: expect.any(Number), until: expect.any(Number) }]);
  const inputs = events.filter(({ kind, session }) => kind === 'input' && session !== null);
  expect(inputs.every(({ at }) => at < Number(told[0]?.payload.since) || at > Number(told[0]?.payload.until))).toBe(true);
  // Told once.
  await crashOnto(makeWritable);
  const later = await cmdop.json<JournalEvent[]>('log', '--events');
  expect(later.filter(({ payload }) => payload.is === 'unrecorded')).toHaveLength(1);
});

test('where the disk can be written again while the host lives, everything is recorded after all', async () => {
  await begin();
  await crashOnto(makeReadOnly);
  await says('meanwhile');
  await expect.poll(async () => (await warnings()).join()).toMatch(/output cannot be stored .* writable; the session goes on/);
  makeWritable(state());
  expect((await cmdop.run('host', 'status')).stdout).not.toMatch(UNKEPT);
  await says('again');
  await crashOnto(makeWritable);
  expect(await commands('work')).toEqual(['echo be""fore', 'echo me""anwhile', 'echo ag""ain']);
  const { broken, damaged } = JSON.parse((await cmdop.run('verify', '--json')).stdout) as VerifyReport;
  expect(broken).toBe(null);
  // Of the output, what the disk refused is missing, and named.
  expect(damaged).toEqual([expect.objectContaining({ reason: expect.stringMatching(/^the output before it, .* is missing$/) })]);
  const events = await cmdop.json<JournalEvent[]>('log', '--events');
  expect(events.filter(({ payload }) => payload.is === 'unrecorded')).toEqual([]);
});

test('a disk that is full when a host starts is told, and all is recorded once there is room', async () => {
  await begin();
  await cmdop.ok('host', 'stop');
  const ballast = join(state(), 'ballast');
  execFileSync('sh', ['-c', `dd if=/dev/zero of='${ballast}' bs=4k 2>/dev/null; true`]);
  const list = await cmdop.run('ls');
  expect(list).toMatchObject({ code: 0, stdout: expect.stringMatching(/work +idle/) });
  expect(list.stderr).toMatch(/the journal cannot be written \(.*\): make room for .*; until then what happens is recorded in memory only/);
  await says('meanwhile');
  rmSync(ballast);
  expect((await cmdop.run('host', 'status')).stdout).not.toMatch(/journal cannot be written/);
  await crashOnto(makeWritable);
  expect(await commands('work')).toEqual(['echo be""fore', 'echo me""anwhile']);
});

test('how a program ended while nothing could be recorded is told by the next host', async () => {
  await begin();
  await crashOnto(makeReadOnly);
  const terminal = cmdop.terminal(['attach', 'work']);
  await terminal.until(/^\$$/m);
  terminal.type('exit 7\r');
  expect((await terminal.exited).code).toBe(7);
  await crashOnto(makeWritable);
  expect((await cmdop.untilEnded('work')).end).toEqual({ reason: 'exited', code: 7, signal: null });
});

test('a host that cannot write gives way to another, which reaches every session', async () => {
  await begin();
  await crashOnto(makeReadOnly);
  await cmdop.ok('ls');
  const before = await cmdop.hostPid();
  await cmdop.ok('host', 'upgrade', '--force');
  expect(await cmdop.hostPid()).not.toBe(before);
  await says('meanwhile');
  expect((await cmdop.json<SessionSummary[]>('ls')).map(({ name, state: is }) => [name, is])).toEqual([
    ['over', 'ended'],
    ['work', 'running'],
  ]);
});

test('a command is not taken for another that ran, or ended, while nothing could be recorded', async () => {
  await begin();
  await cmdop.ok('new', 'other', '--detach');
  await cmdop.untilSession('other', ({ running }) => running === null);
  const running = (name: string, line: string | null) => cmdop.untilSession(name, (session) => session.running === line);
  await cmdop.ok('send', 'work', 'cat', '--enter');
  await running('work', 'cat');
  await crashOnto(makeReadOnly);
  const terminal = cmdop.terminal(['attach', 'work']);
  await terminal.until(/^\$ cat$/m);
  terminal.type('\x04');
  await running('work', null);
  terminal.type('cat -\r');
  await running('work', 'cat -');
  terminal.type(DETACH);
  await terminal.exited;
  await crashOnto(makeWritable);
  // Takes the number that the record of `cat -` had.
  await cmdop.ok('send', 'other', 'false', '--enter');
  await expect.poll(async () => (await log('other')).map(({ text, exitCode }) => [text, exitCode])).toEqual([['false', 1]]);
  const again = cmdop.terminal(['attach', 'work']);
  await again.until(/^\$ cat -$/m);
  again.type('\x04');
  await running('work', null);
  expect((await log('work')).map(({ text, endedAt, exitCode }) => [text, endedAt !== null, exitCode])).toEqual([
    ['echo be""fore', true, 0],
    ['cat', true, null], // how it ended is not known
    ['cat -', true, 0],
  ]);
  expect((await log('other')).map(({ text, exitCode }) => [text, exitCode])).toEqual([['false', 1]]);
});

test('a size that a session got while nothing could be recorded is the one that the next host knows', async () => {
  await begin();
  await crashOnto(makeReadOnly);
  const wide = cmdop.terminal(['attach', 'work'], { cols: 100, rows: 30 });
  await wide.until(/^\$$/m);
  wide.type('stty size\r');
  await wide.until(/^30 100$/m);
  wide.type(DETACH);
  await wide.exited;
  await crashOnto(makeWritable);
  expect((await cmdop.untilSession('work', () => true)).size).toEqual({ cols: 100, rows: 30 });
  const terminal = cmdop.terminal(['attach', 'work']);
  await terminal.until(/^\$$/m);
  terminal.type('clear; stty size\r');
  await terminal.until(/^24 80$/m);
});

test('a session whose folder is not there and cannot be made is reached, and has one again with its next output', async () => {
  await begin();
  await crashOnto((folder) => {
    unmountDisk(folder);
    mountSmallDisk(folder);
    makeReadOnly(folder);
  });
  const terminal = cmdop.terminal(['attach', 'work']);
  terminal.type('\r'); // what its screen showed went with the folder
  await terminal.until(/^\$$/m);
  terminal.type(DETACH);
  await terminal.exited;
  await crashOnto(makeWritable);
  await says('again');
  expect((await cmdop.json<SessionSummary[]>('ls')).map(({ name, state: is }) => [name, is])).toEqual([['work', 'running']]);
  await cmdop.ok('kill', 'work', '-s', 'KILL');
  await cmdop.untilEnded('work');
  await crashOnto(makeWritable);
  expect(await cmdop.ok('screen', 'work')).toMatch(/^again$/m);
});

test('a folder of sockets that cannot be written is named, with what helps', async () => {
  const folder = join(cmdop.home, 'run');
  mountSmallDisk(folder);
  try {
    makeReadOnly(folder);
    expect((await cmdop.run('ls')).stderr).toMatch(/run, where clients find the host, cannot be written \(.*\): make .*run writable/);
  } finally {
    unmountDisk(folder);
  }
});

test('a folder that its owner made read-only keeps nobody from what runs in it', async (context) => {
  const why = whyNoAccounts();
  if (why) return context.skip(why);
  const account = makeAccount(`cmdopro${process.pid}`);
  try {
    expect(account.run('new', 'work', '--detach', '--', '/bin/cat')).toMatchObject({ code: 0 });
    expect(account.run('host', 'stop')).toMatchObject({ code: 0 }); // the journal has no other files then
    chmodSync(join(account.home, 'state'), 0o500);
    const list = account.run('ls');
    expect(list).toMatchObject({ code: 0, stdout: expect.stringMatching(/work/) });
    expect(list.stderr).toMatch(/the journal cannot be written \(.*\): make .*journal\.db writable/);
    expect(account.run('send', 'work', 'typed', '--enter')).toMatchObject({ code: 0 });
    expect(account.run('verify').code).toBe(1);
    chmodSync(join(account.home, 'state'), 0o700);
    expect(account.run('verify')).toMatchObject({ code: 0, stderr: '' });
  } finally {
    account.remove();
  }
});
