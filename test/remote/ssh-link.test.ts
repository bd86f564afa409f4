/** What a link carries: programs, sockets, files, floods; and how links end. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { closed, hopLines, type OpenOptions, RouteWorld, run } from './route-world.ts';
import type { Sshd } from './sshd.ts';

/** More than every window and buffer on the way holds. */
const FLOOD_BYTES = 24 * 1024 * 1024;

let world: RouteWorld;
let sshd: Sshd;
let hop: Sshd;
beforeAll(async () => {
  world = await RouteWorld.start();
  ({ sshd, hop } = world);
});
afterEach(() => world.cleanUp());
afterAll(() => world.dispose());

const open = (options: OpenOptions = {}) => world.open(options);

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
    const path = await world.listen((socket) => {
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

  test.each(['aes128-gcm@openssh.com', 'aes256-ctr'])(
    'carries a socket in both directions at once, byte for byte, while its keys change, with %s',
    async (cipher) => {
      const path = await world.listen((socket) => socket.pipe(socket));
      const link = await open({ lines: [`Ciphers ${cipher}`] });
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
    },
  );

  test('holds back a sender whose bytes nobody takes, and holds few of them itself', async () => {
    let sent = 0;
    const path = await world.listen((socket) => {
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
    const file = join(world.folder, 'sent');
    await new Promise<void>((resolve, reject) => sftp.writeFile(file, 'over sftp', (error) => (error ? reject(error) : resolve())));
    expect(readFileSync(file, 'utf8')).toBe('over sftp');
  });

  test('whose connection is cut says so once, and its streams end', async () => {
    const path = await world.listen((socket) => socket.resume());
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
