/** What a session's program sees of its keeper, whichever of the two it is: the one in C, or the one in JavaScript. */
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { childrenOf, describeKeepers, inWorld, type Kept, KINDS, lines, native, sha256, sleep, statOf } from './keeper-world.ts';

const hasCompiler = spawnSync('cc', ['--version']).status === 0;
const MIB = 1024 * 1024;

describeKeepers((keeps, { program, unrunnable, features }) => {
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
      ...{ keeperPid: kept.child.pid, shellPid: childrenOf(kept.child.pid ?? 0)[0], features: ['urgent', 'drop', 'ending', ...features] },
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

  keeps('ends the output where a background process never stops printing, with all that the program had printed', async (world) => {
    const [yes, often] = ['exec yes', 'while sleep 0.02 && echo tick; do :; done'];
    for (const printer of [yes, often]) {
      const host = await world.host(await world.script(`echo up; read go; (trap "" HUP; ${printer}) & sleep 0.3; echo last; exit 3`));
      await host.says('up');
      host.write('ann', 1, '\r');
      await host.next('ending');
      expect((await host.next('exit')).exit.code).toBe(3);
      expect(host.text).toContain('last\r\n');
    }
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
      // Not in one pipeline, of which the shell may hold an end while `ls` looks; the pipe of the substitution is always there.
      'x=$(ls -l /proc/$$/fd); echo "$x" | sed "s/.* \\([0-9]* -> \\)/\\1/; s/pts.[0-9]*/pts/; s/pipe:.*/pipe/"',
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
