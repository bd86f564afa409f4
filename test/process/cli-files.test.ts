/** `cmdop files` and `cmdop cp` as people and scripts call them: here, over SSH that is cut, and as somebody's guest. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FileEntry, PartialUpload } from '#protocol/files.ts';
import type { JournalEvent } from '#protocol/shapes.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';

let cmdop: TestCmdop;
/** Where the session is, and where the command is called. */
let there = '';
let here = '';
beforeAll(async () => {
  cmdop = await startCmdop({ actor: 'ann' });
  there = join(cmdop.home, 'there');
  here = join(cmdop.home, 'work');
  mkdirSync(join(there, 'bin'), { recursive: true });
  for (const place of [here, there, join(there, 'bin')]) writeFileSync(join(place, 'tool.sh'), '#!/bin/sh\n', { mode: 0o755 });
  await cmdop.ok('new', 'api', '--cwd', there, '--detach');
  await cmdop.ok('new', 'other', '--cwd', there, '--detach');
});
afterAll(() => cmdop.dispose());

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('cp', () => {
  test('copies there and back, into folders and under other names, with permissions, and says so as JSON', async () => {
    await cmdop.ok('cp', 'tool.sh', 'api:other-name');
    expect(statSync(join(there, 'other-name')).mode & 0o777).toBe(0o755);
    mkdirSync(join(there, 'both'));
    await cmdop.ok('cp', 'tool.sh', '../there/other-name', `cmdop://local/api:both`);
    expect(readdirSync(join(there, 'both')).sort()).toEqual(['other-name', 'tool.sh']);
    const said = JSON.parse(await cmdop.ok('cp', 'api:bin/tool.sh', 'back.sh', '--json'));
    expect(said).toEqual({
      from: `api:${there}/bin/tool.sh`,
      to: 'back.sh',
      bytes: 10,
      sha256: sha256(Buffer.from('#!/bin/sh\n')),
      resumedFrom: 0,
    });
    expect(statSync(join(here, 'back.sh')).mode & 0o777).toBe(0o755);
  });

  test('copies folders with what is in them, and names what it leaves out', async () => {
    mkdirSync(join(there, 'tree', 'deep'), { recursive: true });
    for (let n = 0; n < 30; n++) writeFileSync(join(there, 'tree', `f${n}`), `${n}`);
    writeFileSync(Buffer.concat([Buffer.from(`${there}/tree/deep/lat`), Buffer.from([0xe9])]), 'latin');
    writeFileSync(join(there, 'tree', 'deep', 'two\nlines'), 'x');
    symlinkSync('..', join(there, 'tree', 'loop'));
    symlinkSync('f1', join(there, 'tree', 'link'));
    const copied = await cmdop.run('cp', '-r', 'api:tree', '.');
    expect(copied).toMatchObject({ code: 0, stderr: 'cmdop: tree/loop is left out: it is a link to a folder\n' });
    expect(readdirSync(join(here, 'tree')).length).toBe(32);
    expect(readFileSync(join(here, 'tree', 'link'), 'utf8')).toBe('1');
    expect(
      readdirSync(Buffer.from(join(here, 'tree', 'deep')), { encoding: 'buffer' })
        .map((name) => name.toString('latin1'))
        .sort(),
    ).toEqual(['laté', 'two\nlines']);
    // And there again, where some of it is already: those are named, the others come.
    mkdirSync(join(there, 'again', 'tree'), { recursive: true });
    writeFileSync(join(there, 'again', 'tree', 'f7'), 'mine');
    const back = await cmdop.run('cp', '-r', 'tree', 'api:again');
    expect(back).toMatchObject({ code: 1, stderr: `cmdop: ${there}/again/tree/f7 is there already: -f overwrites it\n` });
    expect(readdirSync(join(there, 'again', 'tree')).length).toBe(32);
    expect(readFileSync(join(there, 'again', 'tree', 'f7'), 'utf8')).toBe('mine');
  });

  test('reads from a pipe and writes into one', async () => {
    const bytes = randomBytes(300_000);
    const child = spawn('cmdop', ['cp', '-', 'api:piped'], { env: cmdop.env, cwd: here, stdio: ['pipe', 'inherit', 'inherit'] });
    child.stdin.end(bytes);
    await once(child, 'close');
    expect(sha256(readFileSync(join(there, 'piped')))).toBe(sha256(bytes));
    const out = spawn('cmdop', ['cp', 'api:piped', '-'], { env: cmdop.env, cwd: here, stdio: ['ignore', 'pipe', 'inherit'] });
    expect(sha256(Buffer.concat(await out.stdout.toArray()))).toBe(sha256(bytes));
  });

  test.each([
    [['nothing', 'api:'], 1, 'nothing is not there'],
    [['api:nothing', '.'], 1, '/nothing is not there'],
    [['api:bin', '.'], 1, 'bin is a folder: -r copies what is in it'],
    [['tool.sh', 'api:tool.sh'], 1, '/tool.sh is there already: -f overwrites it'],
    [['api:tool.sh', 'tool.sh'], 1, 'tool.sh is there already: -f overwrites it'],
    [['tool.sh', 'api:none/'], 1, 'none/ is no folder on the session’s machine: make it first'],
    [['tool.sh', 'api:none/x'], 1, '/none/x is not there'],
    [['/dev/null', 'api:'], 0, ''],
    [['api:/dev/zero', 'zero'], 1, '/dev/zero is a device: only files can be copied'],
    [['a', 'b'], 2, 'neither is on a session’s machine'],
    [['api:a', 'other:b'], 2, 'from one session to another it takes two copies'],
    [['tool.sh', 'gone:'], 4, 'there is no session gone'],
  ])('%j exits with %i: %s', async (args, code, sentence) => {
    const outcome = await cmdop.run('cp', ...args);
    expect(outcome).toMatchObject({ code, stderr: expect.stringContaining(sentence) });
    expect(outcome.stderr.split('\n').length).toBeLessThanOrEqual(2);
  });

  test('that is given up with Ctrl-C, or killed, goes on where it was when it is called again; progress is shown to who watches', async () => {
    const bytes = randomBytes(96 * 1024 * 1024);
    writeFileSync(join(here, 'large'), bytes);
    const partial = () => readdirSync(there).find((name) => name.includes('cmdop-upload'));
    const terminal = cmdop.terminal(['cp', 'large', 'api:']);
    await terminal.until(/large {2}[1-9]\d*% of 96 MiB/); // at 0 % there is nothing yet that could go on
    terminal.type('\x03');
    expect((await terminal.exited).code).toBe(130);
    expect(existsSync(join(there, 'large'))).toBe(false);
    const name = partial() ?? '';
    const { size: left } = statSync(join(there, name));
    const uploads = await cmdop.json<PartialUpload[]>('files', 'api', '--uploads');
    expect(uploads).toMatchObject([{ path: join(there, 'large'), size: bytes.length, by: 'ann' }]);
    const [said] = (await cmdop.ok('cp', 'large', 'api:', '--json')).trim().split('\n');
    const { resumedFrom, sha256: hash } = JSON.parse(said ?? '{}');
    expect(resumedFrom).toBeGreaterThanOrEqual(left);
    expect(hash).toBe(sha256(bytes));
    expect(partial()).toBeUndefined();

    const down = spawn('cmdop', ['cp', 'api:large', 'back'], { env: cmdop.env, cwd: here, stdio: 'ignore' });
    const coming = () => readdirSync(here).find((each) => each.includes('cmdop-download'));
    const comeBytes = () => statSync(join(here, coming() ?? 'none'), { throwIfNoEntry: false })?.size ?? 0;
    while (comeBytes() === 0) await new Promise((resolve) => setImmediate(resolve));
    down.kill('SIGKILL');
    await once(down, 'close');
    const got = JSON.parse(await cmdop.ok('cp', 'api:large', 'back', '--json'));
    expect(got.resumedFrom).toBeGreaterThan(0);
    expect(sha256(readFileSync(join(here, 'back')))).toBe(sha256(bytes));
    expect(coming()).toBeUndefined();
  });
});

describe('files', () => {
  test('lists a folder for people and for programs, with what hides in names', async () => {
    writeFileSync(join(there, 'bin', '.hidden'), '');
    writeFileSync(join(there, 'bin', 'a\u202eb'), '12345');
    symlinkSync('nowhere', join(there, 'bin', 'broken'));
    const text = await cmdop.ok('files', 'api', 'bin');
    expect(text.split('\n').map((line) => line.replace(/^(\S+ +\S+( [KM]?i?B)?) .* (?=a|br|to)/, '$1 '))).toEqual([
      expect.stringMatching(/^MODE/),
      expect.stringMatching(/^-rw-r--r-- .*5 B .*a‹U\+202E›b$/),
      expect.stringMatching(/^lrwxrwxrwx .*broken -> nowhere \(nothing there\)$/),
      expect.stringMatching(/^-rwxr-xr-x .*10 B .*tool\.sh$/),
      '',
    ]);
    expect(await cmdop.ok('files', 'api', 'bin', '-a')).toContain('.hidden');
    const entries = await cmdop.json<FileEntry[]>('files', 'api', 'bin', '--sort', 'size');
    expect(entries.map(({ name }) => name)).toEqual(['.hidden', 'a\u202eb', 'broken', 'tool.sh']);
    expect(await cmdop.run('files', 'api', '--sort', 'colour')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('choose name, size, modified'),
    });
  });
});

test('a guest copies what its role allows in its one session, and finds no way around', async () => {
  writeFileSync(join(cmdop.home, 'outside'), 'secret');
  writeFileSync(join(there, 'open'), 'open');
  symlinkSync('../outside', join(there, 'way-out'));
  await cmdop.ok('host', 'share-socket', '--group', 'root');
  const guests = { bob: await startCmdop({ actor: 'bob' }), eve: await startCmdop({ actor: 'eve' }) };
  try {
    for (const [name, role] of [
      ['bob', 'operator'],
      ['eve', 'observer'],
    ] as const) {
      const { code } = await cmdop.json<{ code: string }>('share', 'api', '--with', name, '--role', role);
      await guests[name].ok('join', code, '--name', 'shared');
    }
    const cp = (who: 'bob' | 'eve', ...args: string[]) => guests[who].run('cp', '-H', 'shared', ...args);
    expect(await cp('bob', 'api:open', '-')).toMatchObject({ code: 0, stdout: 'open' });
    const state = join(cmdop.home, 'state');
    for (const path of [join(state, 'journal.db'), '/proc/self/environ']) {
      expect(await cp('bob', `api:${path}`, '-'), path).toMatchObject({ code: 3, stdout: '' });
    }
    writeFileSync(join(guests.bob.home, 'work', 'mine'), 'mine');
    expect(await cp('bob', 'mine', `api:${cmdop.home}/config/policy.json`)).toMatchObject({ code: 3 });
    expect(await cp('bob', 'mine', 'api:')).toMatchObject({ code: 0 });
    expect(await cp('bob', 'other:open', '-')).toMatchObject({ code: 4 });

    expect(await cp('eve', 'api:open', '-')).toMatchObject({ code: 3, stderr: expect.stringContaining('eve is an observer of api') });
    await cmdop.ok('files', 'api', '--observers', 'on');
    expect(await cp('eve', 'api:open', '-')).toMatchObject({ code: 0, stdout: 'open' });
    for (const path of ['../outside', 'way-out', '/etc/passwd']) {
      expect(await cp('eve', `api:${path}`, '-'), path).toMatchObject({ code: 3, stdout: '' });
    }
    expect(await cp('eve', join(guests.bob.home, 'work', 'mine'), 'api:eves')).toMatchObject({ code: 3 });
    expect(existsSync(join(there, 'eves'))).toBe(false);
    const events = await cmdop.json<JournalEvent[]>('log', 'api', '--events');
    expect(events.filter(({ kind, actorName }) => kind === 'file' && actorName === 'eve').map(({ payload }) => payload.path)).toEqual([
      join(there, 'open'),
    ]);
  } finally {
    for (const guest of Object.values(guests)) await guest.dispose();
  }
});
