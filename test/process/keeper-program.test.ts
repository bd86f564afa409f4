/** What a session's program and its hosts see of their keeper, whichever of the two it is: the one in C, or the one in JavaScript. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type ExpectStatic, expect, test } from 'vitest';
import type { Offset } from '#protocol/ids.ts';
import { type KeeperProgram, nativeKeeper, nodeKeeper } from '../../main/host/keepers/keeper-program.ts';
import { MAX_UNACKED_BYTES } from '../../main/keeper/wire.ts';
import { childrenOf, type KeeperPeer, KeeperWorld, type Kept } from './keeper-peer.ts';

const native = nativeKeeper();
const hasCompiler = spawnSync('cc', ['--version']).status === 0;
const MIB = 1024 * 1024;
/** What is typed while the program does not read: more than a terminal holds. */
const UNITS = 20;
const UNIT_BYTES = 3000;

/** A terminal that took nothing for so long takes nothing more, milliseconds: a keeper tries again after 250. */
const SETTLED_MS = 350;

type Kind = { name: string; program: KeeperProgram; unrunnable: { missing: number; notExecutable: number } };
const KINDS: Kind[] = [
  // node-pty's native half knows one code for all that cannot be run.
  { name: 'JavaScript', program: nodeKeeper(), unrunnable: { missing: 1, notExecutable: 1 } },
  ...(native ? [{ name: 'C', program: native, unrunnable: { missing: 127, notExecutable: 126 } }] : []),
];

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
/** The lines of `seq 1 last`. */
const lines = (last: number) => Array.from({ length: last }, (_, n) => `${n + 1}\n`).join('');

async function inWorld(program: KeeperProgram, work: (world: KeeperWorld) => Promise<void>): Promise<void> {
  const world = new KeeperWorld(program);
  try {
    await work(world);
  } finally {
    world.dispose();
  }
}

/** A session whose program does not read until `go`, and then writes what it reads into a file. */
async function busy(world: KeeperWorld): Promise<{ kept: Kept; host: KeeperPeer; go(): void; read(): string }> {
  const [fifo, file] = [join(world.folder, 'fifo'), join(world.folder, 'read')];
  execFileSync('mkfifo', [fifo]);
  const kept = await world.script(`stty raw -echo; echo up; read go < ${fifo}; exec cat > ${file}`);
  const host = await world.host(kept);
  await host.says('up');
  return { kept, host, go: () => writeFileSync(fifo, 'go\n'), read: () => (existsSync(file) ? readFileSync(file, 'latin1') : '') };
}

/** The n-th unit of those that a program does not read; none is like another. */
const unitOf = (seq: number) => `${seq};`.padEnd(UNIT_BYTES, String.fromCharCode(96 + seq));
const unitsOf = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => unitOf(from + n)).join('');

/** Types them; answers how many of them are in the terminal whole once it takes no more. */
async function typeAhead(host: KeeperPeer, client: string): Promise<number> {
  for (let seq = 1; seq <= UNITS; seq++) host.write(client, seq, unitOf(seq));
  for (let seen = -1; seen !== host.count('applied') || seen <= 0; await sleep(SETTLED_MS)) seen = host.count('applied');
  return host.count('applied');
}

const statOf = (pid: number) =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
/** Processor time a process has used, milliseconds. */
const usedMs = (pid: number) => (Number(statOf(pid)[11]) + Number(statOf(pid)[12])) * 10;

describe.runIf(process.platform === 'linux').each(KINDS)('a keeper in $name', ({ program, unrunnable }) => {
  // What waits in a test that runs beside others needs the `expect` of that test.
  const keeps = (name: string, work: (world: KeeperWorld, expect: ExpectStatic) => Promise<void>) =>
    test.concurrent(name, ({ expect }) => inWorld(program, (world) => work(world, expect)));

  keeps('tells each host what the one that started it said, and what the last one left', async (world, expect) => {
    const meta = {
      text: 'ä "q" \\ \u2028 \u0001 \u0000 😀 \ud800',
      nested: { list: [1, null, true, { deep: -1.5e-7 }], '': {} },
      none: [],
    };
    const session = 'wörk "1" \\';
    const kept = await world.script('exec sleep 100', { session, cols: 101, rows: 33, startOffset: 5000, meta });
    expect(kept.said).toBe('ready\n');
    const { hello, ...host } = await world.host(kept);
    expect(hello).toEqual({
      ...{ wire: 1, session, meta, cols: 101, rows: 33, start: 5000, end: 5000, ledger: [], exit: null, note: '' },
      ...{ keeperPid: kept.child.pid, shellPid: childrenOf(kept.child.pid ?? 0)[0], features: ['urgent', 'drop', 'ending'] },
    });
    expect(host.isClosed).toBe(false);
    const note = Buffer.from(Array.from({ length: 256 + 1 }, (_, n) => n % 256));
    const next = await world.host(kept);
    next.send({ kind: 'note', bytes: Buffer.from('old') }, { kind: 'note', bytes: note });
    const after = async () => Buffer.from((await world.host(kept)).hello.note, 'base64');
    await expect.poll(after).toEqual(note);
  });

  keeps('is called after its session, however long that name is, and only its user may connect', async (world) => {
    const shown = ({ child }: Kept, column: string) =>
      execFileSync('ps', ['-o', `${column}=`, '-p', `${child.pid}`], { encoding: 'utf8' }).trim();
    const kept = await world.script('exec sleep 100', { session: 'build' });
    expect(shown(kept, 'args')).toBe('cmdop keeper build');
    expect(shown(kept, 'comm')).toBe('cmdop keeper bu');
    expect(statSync(kept.spec.socket).mode & 0o777).toBe(0o600);
    const long = await world.script('exec sleep 100', { session: 'x'.repeat(300) });
    expect(shown(long, 'args')).toMatch(/^cmdop keeper x{20,300}$/);
    expect((await world.host(long)).hello.session).toBe('x'.repeat(300));
  });

  keeps('gives the program its arguments, its environment and its folder exactly', async (world) => {
    const cwd = join(world.folder, 'ein "Örtchen" 😀');
    mkdirSync(cwd);
    const args = ['', 'a b', "it's", 'line\nbreak', '😀 \\ "', '\x01\x7f'];
    const kept = await world.start({ args: ['-c', 'for each; do printf "<%s>" "$each"; done; pwd; cat', 'sh', ...args], cwd });
    expect(await (await world.host(kept)).says(cwd)).toBe(`${args.map((each) => `<${each}>`).join('')}${cwd}\n`.replaceAll('\n', '\r\n'));
    const env = { PATH: '/usr/bin:/bin', EMPTY: '', EQUALS: '=a=b=', LINES: 'one\ntwo', 'ÜML.AUT': '😀', TERM: 'dumb' };
    const told = await world.host(await world.start({ file: 'cat', args: ['/proc/self/environ'], env }));
    await told.next('exit');
    const said = told.text.replaceAll('\r\n', '\n').split('\0').slice(0, -1);
    expect(said).toEqual(Object.entries(env).map(([name, value]) => `${name}=${value}`));
  });

  keeps('gives the program a terminal of its own, whose Ctrl-C reaches what is in the foreground', async (world) => {
    const script = 'trap "echo caught" INT; tty; echo own > /dev/tty; sleep 100; echo "after it"; cat';
    const host = await world.host(await world.script(script));
    expect(await host.says('own')).toMatch(/^\/dev\/pts\/\d+\r\nown/);
    await sleep(50); // until it sleeps
    host.write('ann', 1, '\x03');
    expect(await host.says('after it')).toMatch(/\^Ccaught\r\nafter it/);
  });

  keeps('tells the program of a new size, and the next host too', async (world) => {
    const kept = await world.script('trap "stty size" WINCH; echo up; while :; do sleep 0.02; done', { cols: 90, rows: 20 });
    const host = await world.host(kept);
    await host.says('up');
    host.send({ kind: 'resize', cols: 132, rows: 50 });
    await host.says('50 132');
    expect((await world.host(kept)).hello).toMatchObject({ cols: 132, rows: 50 });
  });

  keeps('types each unit once, whichever host sends it, and says so behind its echo', async (world) => {
    const kept = await world.script('exec cat');
    const first = await world.host(kept, 0, false);
    for (let seq = 1; seq <= 20; seq++) {
      first.write('ann', seq, `${String.fromCharCode(96 + seq)}`);
      first.write('ann', seq, 'REPEAT');
      await first.next('applied', seq - 1);
      await first.says(String.fromCharCode(96 + seq));
    }
    expect(first.text).toBe('abcdefghijklmnopqrst');
    const kinds = first.heard.map(({ kind }) => kind);
    expect(kinds.filter((kind, at) => kind === 'applied' && kinds[at - 1] === 'output').length).toBeGreaterThan(10);
    const second = await world.host(kept, 15, false);
    expect(second.hello.ledger).toEqual([['ann', { accepted: 20, applied: 20 }]]);
    await first.until(() => first.isClosed);
    second.write('ann', 20, 'REPEAT');
    second.write('bot', 7, 'u');
    await second.next('applied');
    expect(await second.says('u')).toBe('pqrstu');
    second.send({ kind: 'forget', client: 'ann' as never });
    second.write('bot', 8, 'v');
    await second.next('applied', 1);
    const third = await world.host(kept, 20);
    expect(third.hello.ledger).toEqual([['bot', { accepted: 8, applied: 8 }]]);
    third.write('ann', 1, 'w');
    expect(await third.says('w')).toBe('uvw');
  });

  keeps('gives a host output from where it asks, as far as there is any', async (world) => {
    const kept = await world.script('printf 0123456789; exec cat', { startOffset: 1000 });
    const first = await world.host(kept, 0, false);
    await first.says('0123456789');
    first.send({ kind: 'ack', offset: 1004 as Offset });
    const given: [asked: number | undefined, text: string][] = [[1006, '6789'], [0, '456789'], [-5, '456789'], [undefined, '456789']]; // biome-ignore format: a table
    for (const [asked, text] of given) {
      const host = await world.host(kept, asked, false);
      expect(await host.says(text)).toBe(text);
      expect(host.hello).toMatchObject({ start: 1004, end: 1010 });
    }
    const beyond = await world.host(kept, 1e15, false);
    beyond.write('ann', 1, 'x');
    expect(await beyond.says('x')).toBe('x');
    expect((await world.host(kept, 1e15)).hello.end).toBe(1011);
  });

  keeps('takes back what a busy program has not got, to the byte, and leaves what others typed', async (world, expect) => {
    const { kept, host, go, read } = await busy(world);
    const whole = await typeAhead(host, 'bot');
    host.write('ann', 1, '<ann>');
    host.drop('bot', 'nobody');
    const [units] = (await host.next('dropped')).units;
    expect(units).toEqual(['bot', whole + 1, UNITS, expect.any(Number)]);
    host.drop('bot');
    expect((await host.next('dropped', 1)).units).toEqual([]);
    const next = await world.host(kept, 1e15);
    expect(next.hello.ledger).toEqual([
      ['bot', { accepted: UNITS, applied: whole, dropped: [units?.slice(1)] }],
      ['ann', { accepted: 1, applied: 0 }],
    ]);
    next.send({ kind: 'urgent', bytes: Buffer.from('!') });
    next.write('bot', UNITS, 'REPEAT');
    next.write('bot', UNITS + 1, '<bot>');
    go();
    await next.next('applied', 1);
    const expected = `${unitsOf(1, whole)}${unitOf(whole + 1).slice(0, units?.[3])}!<ann><bot>`;
    await expect.poll(() => sha256(read()), { timeout: 10_000 }).toBe(sha256(expected));
  });

  keeps('takes back everything where everything is to go', async (world, expect) => {
    const { host, go, read } = await busy(world);
    const whole = await typeAhead(host, 'bot');
    host.write('ann', 1, '<ann>');
    host.drop();
    const { units } = await host.next('dropped');
    expect(units).toEqual([['bot', whole + 1, UNITS, expect.any(Number)], ['ann', 1, 1, 0]]); // biome-ignore format: two rows
    host.write('bot', UNITS + 1, '<bot>');
    go();
    await host.next('applied', whole);
    await expect.poll(() => read().slice(-15)).toBe(`${unitsOf(1, whole)}${unitOf(whole + 1).slice(0, units[0]?.[3])}<bot>`.slice(-15));
  });

  keeps('goes on though somebody without a name that is text typed to a busy program', async (world, expect) => {
    const { kept, host, go, read } = await busy(world);
    const whole = await typeAhead(host, 'bot');
    host.socket.write(Buffer.concat([Buffer.of(9, 1, 0, 0, 2, 255), Buffer.alloc(255, 0xff), Buffer.alloc(8, 1)]));
    await sleep(50);
    const next = await world.host(kept);
    go();
    await next.next('applied', UNITS - whole - 1);
    await expect.poll(() => read().length).toBe(UNITS * UNIT_BYTES);
    await sleep(50);
    expect((await world.host(kept)).hello.ledger[0]).toEqual(['bot', { accepted: UNITS, applied: UNITS }]);
  });

  keeps('types what is urgent before all that has not begun', async (world, expect) => {
    const { host, go, read } = await busy(world);
    const whole = await typeAhead(host, 'bot');
    host.send({ kind: 'urgent', bytes: Buffer.from('!') });
    go();
    await host.next('applied', UNITS - 1);
    await expect.poll(() => read().length).toBe(UNITS * UNIT_BYTES + 1);
    const at = read().indexOf('!');
    expect([whole * UNIT_BYTES, (whole + 1) * UNIT_BYTES]).toContain(at);
    expect(sha256(read().replace('!', ''))).toBe(sha256(unitsOf(1, UNITS)));
  });

  keeps('forgets answers of the terminal that a program asks for and never reads', async (world, expect) => {
    const { host, go, read } = await busy(world);
    for (let n = 0; n < 400; n++) host.write('', 0, 'a'.repeat(1000));
    host.write('ann', 1, '<end>');
    await sleep(200);
    go();
    await host.next('applied');
    await expect.poll(() => read().slice(-5)).toBe('<end>');
    expect(host.count('applied')).toBe(1);
    expect(read().length).toBeGreaterThan(64 * 1024);
    expect(read().length).toBeLessThan(220_000);
  });

  keeps('costs nothing while a program does not read, which then gets megabytes whole', async (world) => {
    const [fifo, count] = [join(world.folder, 'fifo'), 48];
    execFileSync('mkfifo', [fifo]);
    const kept = await world.script(`stty raw -echo; echo up; read go < ${fifo}; head -c ${count * 65_536} | sha256sum; exec cat`);
    const host = await world.host(kept);
    await host.says('up');
    const units = Array.from({ length: count }, (_, n) => Buffer.from(`${n};`.repeat(65_536).slice(0, 65_536)));
    for (const [n, unit] of units.entries()) host.write('ann', n + 1, unit);
    await sleep(300);
    const before = usedMs(kept.child.pid ?? 0);
    await sleep(2000);
    expect(usedMs(kept.child.pid ?? 0) - before).toBeLessThan(50);
    writeFileSync(fifo, 'go\n');
    expect(await host.says(/[0-9a-f]{64}/)).toContain(sha256(Buffer.concat(units)));
    expect(host.count('applied')).toBe(count);
  });

  keeps('sends two mebibytes to a host that acknowledges nothing, and then the rest of a flood whole', async (world) => {
    const last = 2_600_000; // 20 MB
    const host = await world.host(await world.script(`stty -opost; exec seq 1 ${last}`), 0, false);
    await host.until(() => host.bytes.length >= MAX_UNACKED_BYTES);
    await sleep(200);
    expect(host.bytes.length).toBe(MAX_UNACKED_BYTES);
    host.isAcking = true;
    host.send({ kind: 'ack', offset: MAX_UNACKED_BYTES as Offset });
    await host.next('exit');
    expect(sha256(host.bytes)).toBe(sha256(lines(last)));
  });

  keeps('holds four mebibytes while no host is there, and the next one gets everything', async (world, expect) => {
    const last = 1_200_000; // 8 MB
    const kept = await world.script(`stty -opost; exec seq 1 ${last}`);
    const held = async () => {
      const host = await world.host(kept, 1e15, false);
      host.socket.destroy();
      await sleep(50);
      return host.hello.end;
    };
    await expect.poll(held).toBeGreaterThanOrEqual(4 * MIB);
    expect(await held()).toBeLessThan(4 * MIB + 128 * 1024);
    const host = await world.host(kept);
    expect(host.hello).toMatchObject({ start: 0, exit: null });
    await host.next('exit');
    expect(sha256(host.bytes)).toBe(sha256(lines(last)));
  });

  keeps('says how the program ended', async (world) => {
    const ended = async (kept: Kept) => {
      const host = await world.host(kept);
      const { exit } = await host.next('exit');
      return { exit, text: host.text };
    };
    const here = await world.host(await world.script('stty -echo; echo up; read go; exit 7'));
    await here.says('up');
    here.write('ann', 1, '\r');
    expect((await here.next('exit')).exit).toEqual({ code: 7, signal: null });
    expect(here.heard.map(({ kind }) => kind).filter((kind) => kind === 'ending' || kind === 'exit')).toEqual(['ending', 'exit']);
    expect((await ended(await world.script('exit 0'))).exit).toEqual({ code: 0, signal: null });
    expect((await ended(await world.script('kill -TERM $$'))).exit).toEqual({ code: null, signal: 'SIGTERM' });
    expect((await ended(await world.script('kill -ABRT $$'))).exit).toEqual({ code: null, signal: 'SIGABRT' });
    expect((await ended(await world.script('kill -40 $$'))).exit).toEqual({ code: null, signal: 'signal 40' });
    const missing = await ended(await world.start({ file: '/no/such/program' }));
    expect(missing.exit).toEqual({ code: unrunnable.missing, signal: null });
    expect(missing.text).toMatch(/^[^\r\n]*: No such file or directory\r\n$/);
    writeFileSync(join(world.folder, 'plain'), 'text');
    const plain = await ended(await world.start({ file: join(world.folder, 'plain') }));
    expect(plain).toMatchObject({
      exit: { code: unrunnable.notExecutable, signal: null },
      text: expect.stringContaining('Permission denied'),
    });
    const homeless = await ended(await world.start({ cwd: '/no/such/folder' }));
    expect(homeless).toMatchObject({ exit: { code: 1, signal: null }, text: expect.stringContaining('No such file or directory') });
  });

  keeps('tells of the end although whoever started it ignores the ends of its own programs', async (world) => {
    const ignoring = { file: 'env', args: ['--ignore-signal=CHLD', program.file, ...program.args] };
    const host = await world.host(await world.start({ args: ['-c', 'exit 5'] }, { program: ignoring, env: process.env }));
    expect((await host.next('exit')).exit).toEqual({ code: 5, signal: null });
  });

  keeps('leaves no program behind when it is killed, not even one that could not be run and says so at length', async (world, expect) => {
    const isThere = (pid: number) => existsSync(`/proc/${pid}`) && statOf(pid)[0] !== 'Z';
    for (const file of ['/bin/cat', '/x'.repeat(3 * MIB)]) {
      const kept = await world.start({ file });
      await sleep(200); // until it holds as much as it does while no host is there
      const [pid = 0] = childrenOf(kept.child.pid ?? 0);
      kept.child.kill('SIGKILL');
      await expect.poll(() => isThere(pid), { timeout: 5000 }).toBe(false);
    }
  });

  keeps('sends a signal to the program, and does nothing about one that there is not', async (world) => {
    const kept = await world.script('trap "echo hurt" USR1; echo up; while :; do sleep 0.02; done');
    const host = await world.host(kept);
    await host.says('up');
    host.send({ kind: 'signal', name: 'SIGNONE' }, { kind: 'signal', name: '' }, { kind: 'signal', name: 'SIGUSR1' });
    await host.says('hurt');
    host.send({ kind: 'signal', name: 'SIGKILL' });
    expect((await host.next('exit')).exit).toEqual({ code: null, signal: 'SIGKILL' });
  });

  keeps('ends a program’s output whole before its exit, though nobody has read it', async (world, expect) => {
    const kept = await world.script('stty -opost; exec seq 1 160000'); // 1 MB
    const waiting = await world.host(kept, 0, false);
    await expect.poll(() => childrenOf(kept.child.pid ?? 0)).toEqual([]);
    for (const host of [waiting, await world.host(kept, 0, false)]) {
      await host.until(() => host.isClosed || host.count('exit') > 0);
      if (host === waiting && host.isClosed) continue; // the next one came before it had read all
      expect(host.heard.at(-1)?.kind).toBe('exit');
      expect(sha256(host.bytes)).toBe(sha256(lines(160_000)));
    }
  });

  keeps('ends the output where a background process holds the terminal, once that is quiet', async (world) => {
    const host = await world.host(await world.script('echo up; read go; sleep 6 & echo done; exit 3'));
    await host.says('up');
    host.write('ann', 1, '\r');
    await host.next('ending');
    const from = performance.now();
    expect((await host.next('exit')).exit.code).toBe(3);
    expect(performance.now() - from).toBeLessThan(3000);
    expect(host.text).toContain('done');
  });

  keeps('lives as long as its program, whatever happens to its host, and ends when that has recorded the exit', async (world) => {
    const kept = await world.script('echo up; read line; echo "got $line"; exit 0');
    const host = await world.host(kept);
    await host.says('up');
    host.send({ kind: 'release' });
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGPIPE'] as const) process.kill(kept.child.pid ?? 0, signal);
    await sleep(50);
    host.write('ann', 1, 'x\r');
    await host.says('got x');
    await host.next('exit');
    const next = await world.host(kept);
    expect(next.hello.exit).toEqual({ code: 0, signal: null });
    await next.next('exit');
    next.send({ kind: 'release' });
    await once(kept.child, 'exit');
    expect(readdirSync(world.folder)).toEqual([]);
  });

  keeps('goes on with its host while others connect who are none, and serves the next host', async (world) => {
    const kept = await world.script('exec cat');
    const host = await world.host(kept, 0, false);
    const head = (length: number) => Buffer.from(Uint32Array.of(length).buffer);
    const frame = (kind: number, payload: string) => Buffer.concat([head(1 + payload.length), Buffer.of(kind), Buffer.from(payload)]);
    const hello = frame(1, '{"wire":1,"from":0}');
    const broken = [head(0), head(2 ** 31), head(1024 * 1024 + 1025), frame(2, '\x03ann\x01\x00\x00\x00\x00\x00\x00\x00typed')].concat([
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.alloc(100_000, 255),
      frame(1, '{"wire":1'),
      frame(1, 'null'),
      frame(6, ''),
    ]);
    for (const bytes of broken) {
      const stranger = world.peer(kept);
      stranger.socket.write(bytes);
      await stranger.until(() => stranger.isClosed);
    }
    for (const bytes of [hello.subarray(0, 3), hello.subarray(0, -1), Buffer.alloc(0), frame(77, 'unknown')])
      world.peer(kept).socket.end(bytes);
    const silent = Array.from({ length: 100 }, () => world.peer(kept));
    host.write('ann', 1, 'a');
    expect(await host.says('a')).toBe('a');
    expect(host.isClosed).toBe(false);
    const next = await world.host(kept);
    const late = world.peer(kept);
    await late.until(() => late.socket.readyState === 'open');
    const later = Array.from({ length: 10 }, () => world.peer(kept));
    await sleep(50);
    expect(late.isClosed).toBe(false);
    for (const stranger of silent.slice(50)) stranger.socket.write(hello.subarray(0, 10));
    const more = Array.from({ length: 30 }, () => world.peer(kept));
    next.write('ann', 2, 'b');
    expect(await next.says('b')).toBe('ab');
    for (const stranger of [...silent, ...later, ...more]) expect(stranger.hello).toBe(null);
  });

  keeps('skips what it does not know, also before a host has said hello', async (world) => {
    const kept = await world.script('exec cat');
    const host = world.peer(kept);
    host.socket.write(Buffer.from([2, 0, 0, 0, 77, 1, 1, 0, 0, 0, 0]));
    host.send({ kind: 'hello', wire: 1, from: 0 as Offset });
    await host.until(() => host.hello);
    host.socket.write(Buffer.from([1, 0, 0, 0, 255]));
    host.write('ann', 1, 'a');
    await host.says('a');
  });

  keeps('starts what other programs would find hard to read', async (world) => {
    const texts = ['\ud800\ud800', '\udc00', '\ud83d\ude00', '\u0007\u001f'];
    const kept = await world.start({
      args: ['-c', 'printf "<%s>" "$@"; cat', 'sh', ...texts],
      meta: { texts, deep: deep(60) },
      banner: 'Hï\r\n',
    });
    const host = await world.host(kept);
    expect(host.hello.meta).toEqual({ texts, deep: deep(60) });
    expect(await host.says(/<[^>]*>$/)).toMatch(/^Hï\r\n<\ufffd+><\ufffd+><😀><\x07\x1f>$/);
  });

  keeps('starts what a later host says in more words than it knows, and escapes more', async (world) => {
    const socket = join(world.folder, 'later.sock');
    const known = { session: 's', socket, meta: {}, file: '/bin/sh', env: { PATH: '/usr/bin:/bin' }, cwd: '/', cols: 80, rows: 24 };
    const args = '"args":["-c","printf %s \\ud83d\\ude00\\u00e9\\/; cat"]';
    const words = `{"later": [{"a":"]}\\"","b":[]}, -1.5e+3, false], ${JSON.stringify(known).slice(1, -1)} ,\n\t${args}, "last":null }\n`;
    const kept = await world.start({ socket }, { words });
    expect(kept.said).toBe('ready\n');
    const host = await world.host(kept);
    expect(await host.says('/')).toBe('😀é/');
  });

  keeps('tells how a program ended that had closed its terminal long before', async (world) => {
    const host = await world.host(await world.script('trap "" HUP; echo up; read go; exec <&- >&- 2>&-; sleep 0.6; exit 4'));
    await host.says('up');
    host.write('ann', 1, '\r');
    await host.next('applied');
    await sleep(200);
    host.write('ann', 2, 'x');
    host.send({ kind: 'urgent', bytes: Buffer.from('!') }, { kind: 'resize', cols: 1, rows: 1 });
    expect((await host.next('exit')).exit).toEqual({ code: 4, signal: null });
    expect(host.heard.slice(-2).map(({ kind }) => kind)).toEqual(['ending', 'exit']);
  });

  keeps('says why it cannot start, and leaves nothing', async (world, expect) => {
    const live = await world.script('exec cat');
    writeFileSync(join(world.folder, 'taken'), 'mine');
    const sockets = [
      `${world.folder}/${'x'.repeat(150)}`,
      join(world.folder, 'taken'),
      live.spec.socket,
      '/proc/no.sock',
      '/no/such/folder/s',
    ];
    for (const socket of sockets) {
      const kept = await world.script(`echo started > ${world.folder}/started`, { socket });
      expect(kept.said, socket).toMatch(/^error: .*\w{3}.*\n$/);
      await expect.poll(() => kept.child.exitCode).toBe(1);
    }
    expect(readdirSync(world.folder).sort()).toEqual(['s1.sock', 'taken']);
    expect(readFileSync(join(world.folder, 'taken'), 'utf8')).toBe('mine');
    const host = await world.host(live);
    host.write('ann', 1, 'a');
    await host.says('a');
  });
});

function deep(levels: number): unknown {
  return levels === 0 ? 1 : [deep(levels - 1)];
}

test.runIf(process.platform === 'linux' && hasCompiler)('where there is a C compiler, there is a keeper in C', () => {
  expect(native).not.toBe(null);
});

test.runIf(native)('a program finds the same around it, whichever keeper has started it', async () => {
  const look = [
    ...['stty -a', 'umask', 'ulimit -a', 'cat /proc/self/status | grep -E "Sig(Pnd|Blk|Ign|Cgt)|ShdPnd"', 'nice'],
    ...[
      'ls -l /proc/$$/fd | sed "s/.* \\([0-9]* -> \\)/\\1/; s/pts.[0-9]*/pts/"',
      'ps -o sid=,pgid=,tpgid= -p $$ | tr -s " " "\\n" | grep -vx $$',
    ],
  ];
  const script = `${look.join('; ')}; exit`;
  const found = await Promise.all(
    KINDS.map(async ({ program }) => {
      let text = '';
      await inWorld(program, async (world) => {
        const withMask = { file: '/bin/sh', args: ['-c', 'umask 027; exec "$0" "$@"', program.file, ...program.args] };
        const host = await world.host(await world.start({ args: ['-c', script] }, { program: withMask }));
        await host.next('exit');
        text = host.text;
      });
      return text;
    }),
  );
  expect(found[1]).toBe(found[0]);
  expect(found[0]).toMatch(/speed 38400 baud; rows 24; columns 80/);
  expect(found[0]).toContain('0027');
  expect(found[0]).toMatch(/SigBlk:\s+0{16}/);
  expect(found[0]).toMatch(/SigIgn:\s+0{16}/);
});
