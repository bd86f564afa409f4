/** What hosts see of a session's keeper, whichever of the two it is: what they type, what it prints, and who else connects. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Offset } from '#protocol/ids.ts';
import { MAX_UNACKED_BYTES } from '../../main/keeper/wire.ts';
import type { KeeperPeer } from './keeper-peer.ts';
import { describeKeepers, type KeeperWorld, type Kept, lines, sha256, sleep, statOf } from './keeper-world.ts';

const MIB = 1024 * 1024;
/** What is typed while the program does not read: more than a terminal holds. */
const UNITS = 20;
const UNIT_BYTES = 3000;

/** A terminal that took nothing for so long takes nothing more, milliseconds: a keeper tries again after 250. */
const SETTLED_MS = 350;

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

/** The keeper has what this host has sent: it answers one message more. */
async function hasAll(host: KeeperPeer): Promise<void> {
  const before = host.count('dropped');
  host.drop('nobody');
  await host.next('dropped', before);
}

/** Processor time a process has used, milliseconds. */
const usedMs = (pid: number) => (Number(statOf(pid)[11]) + Number(statOf(pid)[12])) * 10;

describeKeepers((keeps) => {
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

  keeps('lets its program print as far as a host says, until that says otherwise or is gone', async (world, expect) => {
    // What it has written, and waits with when nobody reads.
    const kept = await world.script('stty raw; printf ready; head -c 1 >/dev/null; exec yes');
    const host = await world.host(kept);
    await host.says('ready');
    host.send({ kind: 'limit', offset: 1_000_000 as Offset });
    host.write('ann', 1, 'x');
    await host.until(() => host.bytes.length >= 1_000_000);
    await host.answers();
    const { length } = host.bytes;
    expect(length).toBeLessThan(1_000_000 + 128 * 1024);
    for (let n = 0; n < 20; n++) await host.answers();
    expect(host.bytes.length).toBe(length);
    host.send({ kind: 'limit', offset: 1_500_000 as Offset });
    await host.until(() => host.bytes.length >= 1_500_000);
    await host.answers();
    expect(host.bytes.length).toBeLessThan(1_500_000 + 128 * 1024);
    host.send({ kind: 'limit', offset: null });
    await host.until(() => host.bytes.length > 8_000_000);
    const next = await world.host(kept, undefined, false);
    next.send({ kind: 'limit', offset: 0 as Offset });
    await next.answers();
    next.socket.destroy();
    const last = await world.host(kept, undefined);
    const { end } = last.hello;
    await last.until(() => last.bytes.length > 4_000_000);
    expect(end).toBeGreaterThan(8_000_000);
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
    await hasAll(next);
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

  keeps('writes no more of what it is to take back, though it hears of it late and there is room by then', async (world, expect) => {
    const { kept, host, go, read } = await busy(world);
    const whole = await typeAhead(host, 'bot');
    const pid = kept.child.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    await expect.poll(() => statOf(pid)[0]).toBe('T');
    host.drop('bot');
    go();
    await expect.poll(() => read().length, { timeout: 10_000 }).toBeGreaterThanOrEqual(whole * UNIT_BYTES);
    process.kill(pid, 'SIGCONT');
    const [units] = (await host.next('dropped')).units;
    expect(units).toEqual(['bot', whole + 1, UNITS, expect.any(Number)]);
    host.write('ann', 1, '<ann>');
    const expected = `${unitsOf(1, whole)}${unitOf(whole + 1).slice(0, units?.[3])}<ann>`;
    await expect.poll(() => sha256(read()), { timeout: 10_000 }).toBe(sha256(expected));
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
    await hasAll(host);
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
    await sleep(200); // all of it is there: there is no verdict that would say so
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
});
