/** The way to a host and what a link carries: hops, proxy commands, programs, sockets, files, floods, and how links end. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openSshLink, type SshLink } from '../../main/remote/ssh-link.ts';
import { type Answers, answering } from './answers.ts';
import { clientFolder, freePort, newKey, type Sshd, startSshd } from './sshd.ts';

/** More than every window and buffer on the way holds. */
const FLOOD_BYTES = 24 * 1024 * 1024;

let sshd: Sshd;
let hop: Sshd;
let folder: string;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  [sshd, hop] = await Promise.all([startSshd(), startSshd()]);
  hop.authorize(sshd.clientKey);
  folder = mkdtempSync(join(tmpdir(), 'cmdop-route-'));
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

afterAll(async () => {
  await Promise.all([sshd.dispose(), hop.dispose()]);
  rmSync(folder, { recursive: true });
});

/** `more` are lines behind the section of devbox: other hosts. */
async function open(
  options: { lines?: string[]; more?: string[]; ask?: Answers; signal?: AbortSignal; isKnown?: boolean } = {},
): Promise<SshLink> {
  const { lines = [], more = [], ask = answering(), signal, isKnown = true } = options;
  const own = clientFolder(sshd, { lines, isKnown });
  cleanups.push(() => rmSync(own.folder, { recursive: true }));
  const all = [
    'Host *',
    ...[
      'HostName 127.0.0.1',
      `User ${sshd.user}`,
      `UserKnownHostsFile ${own.knownHostsFile}`,
      `IdentityFile ${sshd.clientKey.path}`,
      'IdentityAgent none',
    ],
  ];
  writeFileSync(own.configFile, `${readFileSync(own.configFile, 'utf8')}\n${more.join('\n')}\n${all.join('\n')}\n`);
  if (isKnown) writeFileSync(own.knownHostsFile, [...sshd.knownHostsLines, ...hop.knownHostsLines, ''].join('\n'));
  const link = await openSshLink({ host: 'devbox', configFile: own.configFile, ask, ...(signal ? { signal } : {}) });
  cleanups.push(() => link.close());
  return link;
}

async function run(link: SshLink, command: string): Promise<string> {
  const program = await link.exec(command);
  program.stderr.resume();
  return Buffer.concat(await program.stream.toArray())
    .toString()
    .trim();
}

/** A Unix socket that hands its connections to `serve`. */
function listen(serve: (socket: Socket) => void): Promise<string> {
  const path = join(folder, `${randomBytes(4).toString('hex')}.sock`);
  const server: Server = createServer((socket) => {
    socket.on('error', () => {
      // the other side went first
    });
    serve(socket);
  });
  cleanups.push(() => new Promise((done) => server.close(done)));
  return new Promise((resolve) => server.listen(path, () => resolve(path)));
}

const closed = (link: SshLink) => new Promise<Error | undefined>((resolve) => link.onClosed(resolve));
const hopLines = (name: string, port: number, lines: string[] = []) => [`Host ${name}`, `  Port ${port}`, ...lines];

describe('the way', () => {
  test('leads over a hop, which is checked and logged in to by itself', async () => {
    const link = await open({ lines: ['ProxyJump gate'], more: hopLines('gate', hop.port) });
    expect(link.describe()).toContain(`${sshd.user}@127.0.0.1:${sshd.port} via gate, key`);
    // What arrives there comes from the hop, and the hop knows us.
    expect(hop.connections()).toHaveLength(1);
    expect(await run(link, 'echo $SSH_CONNECTION')).toMatch(new RegExp(`${sshd.port}$`));
    const ended = closed(link);
    link.close();
    expect(await ended).toBeUndefined();
    await expect.poll(() => [hop.connections().length, sshd.connections().length], { timeout: 5_000 }).toEqual([0, 0]);
  });

  test('leads over several hops, the first of which has one of its own', async () => {
    const more = [...hopLines('outer', hop.port), ...hopLines('first', sshd.port, ['  ProxyJump outer']), ...hopLines('second', hop.port)];
    const link = await open({ lines: ['ProxyJump first,second'], more });
    expect(link.login.via).toEqual(['outer', 'first', 'second']);
    expect(await run(link, 'echo here')).toBe('here');
  });

  test('asks for the key of each, the hop first, and refuses a hop that changed', async () => {
    const ask = answering({ hostKey: true });
    await open({ lines: ['ProxyJump gate'], more: hopLines('gate', hop.port), ask, isKnown: false });
    expect(ask.hostKeys.map(({ port }) => port)).toEqual([hop.port, sshd.port]);
    const other = newKey({ folder, name: `other-${randomBytes(3).toString('hex')}` });
    const knownHosts = join(folder, 'known-changed');
    writeFileSync(knownHosts, `[127.0.0.1]:${hop.port} ${other.publicLine}\n`);
    const more = hopLines('gate', hop.port, [`  UserKnownHostsFile ${knownHosts}`]);
    await expect(open({ lines: ['ProxyJump gate'], more })).rejects.toMatchObject({
      code: 'host-key',
      message: expect.stringContaining('CHANGED'),
    });
  });

  test('that is a circle is refused', async () => {
    const more = [...hopLines('a', hop.port, ['  ProxyJump b']), ...hopLines('b', hop.port, ['  ProxyJump a'])];
    await expect(open({ lines: ['ProxyJump a'], more })).rejects.toMatchObject({ message: expect.stringContaining('circle') });
  });

  test('ends at a hop that cannot go on: which, and where to', async () => {
    const port = await freePort();
    await expect(open({ lines: ['ProxyJump gate', `Port ${port}`], more: hopLines('gate', hop.port) })).rejects.toMatchObject({
      code: 'host-unreachable',
      message: expect.stringContaining(`gate cannot reach 127.0.0.1 port ${port}`),
    });
    await expect.poll(() => hop.connections().length, { timeout: 5_000 }).toBe(0);
  });

  test('leads through a command of the user', async () => {
    const script = `${process.execPath} -e 'const s=require("net").connect(+process.argv[2],process.argv[1]);process.stdin.pipe(s).pipe(process.stdout)' %h %p`;
    const link = await open({ lines: [`ProxyCommand ${script}`] });
    expect(await run(link, 'echo through')).toBe('through');
  });

  test('through a command that fails is told in its own words', async () => {
    await expect(open({ lines: ["ProxyCommand sh -c 'echo no route today >&2; exit 1'"] })).rejects.toMatchObject({
      code: 'host-unreachable',
      message: expect.stringContaining('failed (no route today): check ProxyCommand'),
    });
  });

  test('to a port where nobody listens, and to a name that nobody knows: a sentence each', async () => {
    const port = await freePort();
    await expect(open({ lines: [`Port ${port}`] })).rejects.toMatchObject({
      code: 'host-unreachable',
      message: expect.stringContaining('is sshd running there'),
    });
    await expect(open({ lines: ['HostName no-such-host.invalid'] })).rejects.toMatchObject({
      code: 'host-unreachable',
      message: expect.stringContaining('no-such-host.invalid is not known'),
    });
  });

  test('of the wrong family is not taken', async () => {
    await expect(open({ lines: ['HostName localhost', 'AddressFamily inet6'] })).rejects.toMatchObject({ code: 'host-unreachable' });
  });
});

describe('a link', () => {
  test('runs programs with input, output, errors and their end', async () => {
    const link = await open();
    const program = await link.exec('cat; echo aside >&2; kill -TERM $$');
    const errors = program.stderr.toArray();
    program.stream.end('typed');
    expect(Buffer.concat(await program.stream.toArray()).toString()).toBe('typed');
    expect(Buffer.concat(await errors).toString()).toBe('aside\n');
    expect(await program.exited).toEqual({ code: null, signal: 'SIGTERM' });
    const short = await link.exec('exit 3');
    expect(await short.exited).toMatchObject({ code: 3 });
  });

  test('carries small answers at once: two behind each other do not wait for an acknowledgement', async () => {
    // As a host does with a keystroke: its verdict, and a moment later its echo.
    const path = await listen((socket) => {
      socket.setNoDelay(true);
      socket.on('data', () => {
        socket.write('verdict');
        setImmediate(() => socket.write('echo'));
      });
    });
    const link = await open();
    const stream = await link.streamLocal(path);
    const times: number[] = [];
    for (let key = 0; key < 60; key++) {
      const typedAt = performance.now();
      let text = '';
      const echoed = new Promise<void>((resolve) => {
        const read = (bytes: Buffer) => {
          text += bytes.toString();
          if (!text.endsWith('echo')) return;
          stream.off('data', read);
          resolve();
        };
        stream.on('data', read);
      });
      stream.write('k');
      await echoed;
      times.push(performance.now() - typedAt);
    }
    // Linux acknowledges late by 40 ms.
    expect(times.sort((a, b) => a - b)[30]).toBeLessThan(20);
  });

  test('carries a socket in both directions at once, byte for byte', async () => {
    const path = await listen((socket) => socket.pipe(socket));
    const link = await open();
    const stream = await link.streamLocal(path);
    const sent = createHash('sha256');
    const received = createHash('sha256');
    let left = FLOOD_BYTES;
    let arrived = 0;
    const all = new Promise<void>((resolve) => {
      stream.on('data', (bytes: Buffer) => {
        received.update(bytes);
        arrived += bytes.length;
        if (arrived === FLOOD_BYTES) resolve();
      });
    });
    const block = randomBytes(64 * 1024);
    while (left > 0) {
      sent.update(block);
      left -= block.length;
      if (!stream.write(block)) await new Promise((resolve) => stream.once('drain', resolve));
    }
    await all;
    expect(received.digest('hex')).toBe(sent.digest('hex'));
  });

  test('holds back a sender whose bytes nobody takes, and holds few of them itself', async () => {
    let sent = 0;
    const path = await listen((socket) => {
      const block = Buffer.alloc(64 * 1024);
      const go = () => {
        while (sent < FLOOD_BYTES * 8) {
          sent += block.length;
          if (!socket.write(block)) return;
        }
      };
      socket.on('drain', go);
      go();
    });
    const link = await open();
    const stream: Duplex = await link.streamLocal(path);
    stream.pause();
    let before = -1;
    // Until it stands still: what is on the way by then is what the way holds.
    await expect
      .poll(
        () => {
          const stands = sent === before && sent > 0;
          before = sent;
          return stands;
        },
        { interval: 200, timeout: 10_000 },
      )
      .toBe(true);
    expect(stream.readableLength).toBeLessThan(4 * 1024 * 1024);
    expect(sent).toBeLessThan(FLOOD_BYTES);
    stream.destroy();
  });

  test('tells where nobody listens', async () => {
    const link = await open();
    await expect(link.streamLocal('/nonexistent.sock')).rejects.toMatchObject({
      code: 'host-unreachable',
      message: expect.stringContaining('/nonexistent.sock'),
      data: { refused: 'connect-failed' },
    });
  });

  test('opens files', async () => {
    const link = await open();
    const sftp = await link.sftp();
    const file = join(folder, 'sent');
    await new Promise<void>((resolve, reject) => sftp.writeFile(file, 'over sftp', (error) => (error ? reject(error) : resolve())));
    expect(readFileSync(file, 'utf8')).toBe('over sftp');
  });

  test('whose connection is cut says so once, and its streams end', async () => {
    const path = await listen((socket) => socket.resume());
    const link = await open();
    const stream = await link.streamLocal(path);
    stream.resume();
    const program = await link.exec('sleep 100');
    program.stream.resume();
    const streamEnds = new Promise((resolve) => stream.once('close', resolve));
    const ends = closed(link);
    sshd.cutConnections();
    expect(await ends).toMatchObject({ message: expect.stringContaining('devbox') });
    await streamEnds;
    expect(await program.exited).toEqual({ code: null, signal: null });
    await expect(link.exec('true')).rejects.toMatchObject({ code: 'host-unreachable' });
  });

  test('of which a hop is cut ends', async () => {
    const link = await open({ lines: ['ProxyJump gate'], more: hopLines('gate', hop.port) });
    const ends = closed(link);
    hop.cutConnections();
    expect(await ends).toBeInstanceOf(Error);
  });

  test('to a host that has frozen is found dead by keepalives', async () => {
    const link = await open({ lines: ['ServerAliveInterval 1', 'ServerAliveCountMax 1'] });
    const [connection] = sshd.connections();
    const ends = closed(link);
    if (connection) process.kill(connection, 'SIGSTOP');
    expect(await ends).toMatchObject({ message: expect.stringContaining('Keepalive timeout') });
    if (connection) process.kill(connection, 'SIGKILL');
  });

  test('that is closed on purpose ends without an error, and is not heard of again', async () => {
    const link = await open();
    const ends = closed(link);
    link.close();
    expect(await ends).toBeUndefined();
    expect(await closed(link)).toBeUndefined();
    await expect.poll(() => sshd.connections().length, { timeout: 5_000 }).toBe(0);
  });

  test('that is given up while it is made leaves nothing behind', async () => {
    const aborted = new AbortController();
    const attempt = open({ lines: ['ProxyJump gate'], more: hopLines('gate', hop.port), signal: aborted.signal });
    await expect.poll(() => hop.connections().length, { interval: 5, timeout: 5_000 }).toBe(1);
    aborted.abort();
    await expect(attempt).rejects.toMatchObject({ code: 'host-unreachable', message: expect.stringContaining('given up') });
    await expect.poll(() => [hop.connections().length, sshd.connections().length], { timeout: 5_000 }).toEqual([0, 0]);
  });

  test('comes back with the same answers when the server was killed and started again', async () => {
    const link = await open();
    const ends = closed(link);
    await sshd.kill();
    expect(await ends).toBeInstanceOf(Error);
    await expect(open()).rejects.toMatchObject({ code: 'host-unreachable' });
    await sshd.start();
    expect(await run(await open(), 'echo back')).toBe('back');
  });
});
