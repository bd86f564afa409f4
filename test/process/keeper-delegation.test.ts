/** What a keeper lets a client type that the host has delegated typing to, and when it is over. */
import { connect, type Socket } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { encodeUse } from '#protocol/delegation.ts';
import { encodeInput, type Frame, FrameDecoder } from '#protocol/frames.ts';
import type { Channel, ClientId, Epoch, Offset, Seq } from '#protocol/ids.ts';
import { encodeToKeeper, FromKeeperDecoder } from '../../main/keeper/wire.ts';
import type { KeeperPeer } from './keeper-peer.ts';
import { WAIT } from './keeper-peer.ts';
import { inWorld, type KeeperWorld, type Kept, native, statOf } from './keeper-world.ts';

const ANN = 'ann' as ClientId;
const [CHANNEL, EPOCH] = [7 as Channel, 3 as Epoch];
const TOKEN = new Uint8Array(16).map((_, at) => at + 1);
const HEX = Buffer.from(TOKEN).toString('hex');
const delegation = { kind: 'delegate', client: ANN, channel: CHANNEL, epoch: EPOCH, token: TOKEN } as const;

class Typist {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  isClosed = false;

  constructor({ spec }: Kept, token = HEX) {
    const decoder = new FrameDecoder();
    this.socket = connect(spec.socket);
    this.socket.on('data', (bytes) => this.frames.push(...decoder.push(new Uint8Array(bytes))));
    this.socket.on('error', () => {}); // `close` follows
    this.socket.on('close', () => {
      this.isClosed = true;
    });
    this.socket.write(encodeUse(token));
  }

  type(seq: number, text: string, { channel = CHANNEL, epoch = EPOCH } = {}): void {
    this.socket.write(encodeInput({ channel, epoch, seq: seq as Seq, bytes: Buffer.from(text) }));
  }
  /** A unit with any number. */
  typeNumbered(seq: bigint, text: string): void {
    const frame = Buffer.from(encodeInput({ channel: CHANNEL, epoch: EPOCH, seq: 1 as Seq, bytes: Buffer.from(text) }));
    frame.writeBigUInt64LE(seq, 13);
    this.socket.write(frame);
  }
  /** Where the output ends that it was shown. */
  get shownEnd(): number {
    return Math.max(0, ...this.frames.map((frame) => (frame.kind === 'output' ? frame.offset + frame.bytes.length : 0)));
  }
  get text(): string {
    return this.frames.map((frame) => (frame.kind === 'output' ? Buffer.from(frame.bytes).toString() : '')).join('');
  }
  until(condition: () => boolean): Promise<unknown> {
    return vi.waitUntil(condition, WAIT);
  }
  closed(): Promise<unknown> {
    return this.until(() => this.isClosed);
  }
}

const RAW = 'stty raw -echo; printf ready; exec cat';

/** A keeper with a program in raw mode, its host, and ann, who may type. */
async function delegated(world: KeeperWorld, script = RAW, isAcking = true): Promise<{ kept: Kept; host: KeeperPeer; ann: Typist }> {
  const kept = await world.script(script);
  const host = await world.host(kept, 0, isAcking);
  await host.says('ready');
  host.send(delegation);
  return { kept, host, ann: new Typist(kept) };
}

const typedBy = (host: KeeperPeer) =>
  host.heard.flatMap((message) => (message.kind === 'typed' ? [[Number(message.seq), Buffer.from(message.bytes).toString()]] : []));

describe.runIf(native)('a client that typing is delegated to', () => {
  const keeps = (name: string, work: (world: KeeperWorld) => Promise<void>) =>
    test(name, () => (native ? inWorld(native, work) : Promise.resolve()));

  keeps('has its echo by itself, and the host is told of each unit before what came of it', async (world) => {
    const { host, ann } = await delegated(world);
    ann.type(1, 'one');
    await ann.until(() => ann.text === 'one');
    ann.type(2, 'two');
    await ann.until(() => ann.text === 'onetwo');
    expect(ann.frames).toMatchObject([
      { kind: 'output', channel: CHANNEL, offset: 5 },
      { kind: 'output', channel: CHANNEL, offset: 8 },
    ]);
    await host.next('applied', 1);
    expect(host.text).toBe('readyonetwo');
    // The verdict goes with the echo, or a moment later alone.
    const kinds = host.heard.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind !== 'applied')).toEqual(['output', 'typed', 'output', 'typed', 'output']);
    expect(kinds.filter((kind) => kind !== 'output')).toEqual(['typed', 'applied', 'typed', 'applied']);
    expect(host.heard.filter(({ kind }) => kind === 'typed')).toMatchObject([
      { client: ANN, seq: 1, offset: 5 },
      { client: ANN, seq: 2, offset: 8 },
    ]);
    expect(typedBy(host)).toEqual([
      [1, 'one'],
      [2, 'two'],
    ]);
  });

  keeps('is out once it is recalled, which the host is told once and last', async (world) => {
    const { host, ann } = await delegated(world);
    ann.type(1, 'one');
    await ann.until(() => ann.text === 'one');
    host.send({ kind: 'recall' }, { kind: 'recall' });
    await ann.closed();
    await host.next('recalled');
    host.write('ben', 1, 'two');
    await host.says('readyonetwo');
    expect(host.count('recalled')).toBe(1);
    expect(host.heard.findIndex(({ kind }) => kind === 'recalled')).toBeGreaterThan(host.heard.findIndex(({ kind }) => kind === 'typed'));
  });

  keeps('may send again by the host what it does not know the verdict of: nothing is typed twice', async (world) => {
    const { host, ann } = await delegated(world);
    ann.type(1, 'a');
    await ann.until(() => ann.text === 'a');
    host.write(ANN, 1, 'a');
    host.write(ANN, 2, 'b');
    await host.says('readyab');
    ann.type(2, 'b');
    ann.type(3, 'c');
    await host.says('readyabc');
    await host.next('applied', 2);
    expect(host.text).toBe('readyabc');
    expect(typedBy(host)).toEqual([
      [1, 'a'],
      [3, 'c'],
    ]);
  });

  const closing: [string, (ann: Typist, host: KeeperPeer) => void, string?][] = [
    ['types in another epoch', (ann) => ann.type(1, 'x', { epoch: 2 as Epoch })],
    ['types into another attachment', (ann) => ann.type(1, 'x', { channel: 8 as Channel })],
    ['sends a large unit', (ann) => ann.type(1, 'x'.repeat(1025))],
    ['sends an empty one', (ann) => ann.type(1, '')],
    ['sends one without a number', (ann) => ann.typeNumbered(0n, 'x')],
    ['sends one whose number no host can say', (ann) => ann.typeNumbered(2n ** 53n, 'x')],
    ['sends what is no input', (ann) => ann.socket.write(Uint8Array.of(2, 0, 0, 0, 99, 0))],
    ['sends a frame that breaks the format', (ann) => ann.socket.write(Uint8Array.of(0, 0, 0, 0, 2))],
    ['closes its connection', (ann) => ann.socket.end()],
    ['is asked for a password', (ann) => ann.type(1, 'x'), 'stty icanon -echo; printf ready; exec cat'],
  ];
  for (const [what, act, script] of closing) {
    keeps(`is out once it ${what}, and nothing of that is typed`, async (world) => {
      const { host, ann } = await delegated(world, script);
      act(ann, host);
      await ann.closed();
      await host.next('recalled');
      expect(typedBy(host)).toEqual([]);
      if (script) return;
      host.write('ben', 1, 'y');
      await host.says(/readyy$/);
    });
  }

  keeps('is out where its program does not read', async (world) => {
    const { host, ann } = await delegated(world, 'stty raw -echo; printf ready; exec sleep 100');
    for (let seq = 1; !ann.isClosed && seq < 10_000; seq++) {
      ann.type(seq, 'x'.repeat(1000));
      if (seq % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await ann.closed();
    await host.next('recalled');
    const seqs = typedBy(host).map(([seq]) => seq);
    expect(seqs).toEqual(seqs.map((_, at) => at + 1));
    expect(seqs.length).toBeLessThan(200);
  });

  keeps('is out when the host goes, and each next one is told again what was typed, until one has what came of it', async (world) => {
    const { kept, host, ann } = await delegated(world, RAW, false);
    for (const [at, word] of ['one', 'two'].entries()) {
      ann.type(at + 1, word);
      await ann.until(() => ann.text.endsWith(word));
    }
    host.socket.destroy();
    await ann.closed();
    const all = [
      [1, 5, 'one'],
      [2, 8, 'two'],
    ];
    for (const [acknowledged, untold] of Object.entries({ 0: 0, 5: 0, 6: 1, 8: 1, 11: 2 })) {
      const next = await world.host(kept, undefined, false);
      expect(next.hello.ledger).toEqual([[ANN, { accepted: 2, applied: 2 }]]);
      next.send({ kind: 'ack', offset: Number(acknowledged) as Offset });
      next.drop();
      await next.next('dropped'); // the keeper has heard that
      const another = await world.host(kept, undefined, false);
      expect(another.retold?.map(({ seq, offset, bytes }) => [seq, offset, Buffer.from(bytes).toString()])).toEqual(all.slice(untold));
      expect(another.heard.some(({ kind }) => kind === 'typed' || kind === 'recalled')).toBe(false);
    }
  });

  keeps('is told again with the newest of what it typed, where that is more than a keeper remembers', async (world) => {
    const { kept, host, ann } = await delegated(world, 'stty raw -echo; printf ready; exec cat >/dev/null', false);
    const unit = 'x'.repeat(1000);
    for (let seq = 1; seq <= 400; seq++) {
      ann.type(seq, unit);
      await host.until(() => host.count('typed') === seq); // else the terminal is full
    }
    host.socket.destroy();
    await ann.closed();
    const { retold } = await world.host(kept);
    expect(retold?.length).toBeGreaterThan(230);
    expect(retold?.length).toBeLessThan(262);
    expect(retold?.map(({ seq }) => seq)).toEqual(Array.from({ length: retold?.length ?? 0 }, (_, at) => 401 - (retold?.length ?? 0) + at));
  });

  keeps('is nobody once the host is gone, though it delegated typing again with its last words', async (world) => {
    const kept = await world.script(RAW);
    const host = await world.host(kept);
    await host.says('ready');
    const { pid = 0 } = kept.child;
    process.kill(pid, 'SIGSTOP');
    await host.until(() => statOf(pid)[0] === 'T');
    await new Promise((sent) => host.socket.end(Buffer.concat([delegation, delegation].map(encodeToKeeper)), () => sent(null)));
    host.socket.destroy();
    process.kill(pid, 'SIGCONT');
    const ann = new Typist(kept);
    ann.type(1, 'x');
    await ann.closed();
    const next = await world.host(kept);
    next.write('ben', 1, 'y');
    await next.says('y');
    expect(next.text.endsWith('readyy') || next.text === 'y').toBe(true);
  });

  keeps('is not whoever shows another token, or comes second, or too late', async (world) => {
    const { kept, host, ann } = await delegated(world);
    ann.type(1, 'one');
    await ann.until(() => ann.text === 'one');
    const strangers = [new Typist(kept, '00'.repeat(16)), new Typist(kept), new Typist(kept, HEX.slice(2)), new Typist(kept, '')];
    for (const stranger of strangers) {
      stranger.type(2, 'stranger');
      await stranger.closed();
    }
    host.send({ kind: 'recall' });
    await ann.closed();
    const late = new Typist(kept);
    late.type(2, 'late');
    await late.closed();
    host.write('ben', 1, 'two');
    await host.says('two');
    expect(host.text).toBe('readyonetwo');
  });

  keeps('is out for the host once that has all that was shown, however far behind it is', async (world) => {
    const page = `head -c 1 >/dev/null; printf '%3000s' ''`;
    const { host, ann } = await delegated(world, `stty raw -echo; printf ready; while :; do ${page}; done`);
    host.socket.pause();
    for (let seq = 1; seq <= 200; seq++) {
      ann.type(seq, 'x');
      await ann.until(() => ann.shownEnd === 5 + 3000 * seq);
    }
    host.send({ kind: 'recall' });
    await ann.closed();
    host.socket.resume();
    let had: number | null = null;
    host.socket.on('data', () => {
      if (host.count('recalled') > 0) had ??= host.bytes.length;
    });
    await host.until(() => had !== null);
    const { length } = typedBy(host);
    expect([length, host.bytes.length]).toEqual([200, 5 + 3000 * 200]);
    expect(had).toBe(ann.shownEnd);
  });

  keeps('delays the output of a program that goes on printing for nobody else', async (world) => {
    const slowly = 'i=0; while [ $i -lt 30 ]; do i=$((i + 1)); done; printf x';
    const script = `stty raw -echo; printf ready; head -c 1 >/dev/null; n=0; while [ $n -lt 3000 ]; do n=$((n + 1)); ${slowly}; done; cat`;
    const { host, ann } = await delegated(world, script);
    const decoder = new FromKeeperDecoder();
    let told = 0;
    host.socket.on('data', (bytes) => {
      for (const { kind } of decoder.push(new Uint8Array(bytes))) if (kind === 'output') told++;
    });
    ann.type(1, 'x');
    await host.says(/x{3000}$/);
    // As far as she reads as fast as it prints.
    expect([ann.text.length > 40, 'x'.repeat(3000).startsWith(ann.text)]).toEqual([true, true]);
    expect(told).toBeGreaterThan(40);
  });

  keeps(
    'types nothing more once a host, even one that took over from another, has recalled it: not even if the keeper stood still',
    async (world) => {
      const kept = await world.script(RAW);
      const first = await world.host(kept);
      await first.says('ready');
      const host = await world.host(kept);
      await first.until(() => first.isClosed);
      host.send(delegation);
      const ann = new Typist(kept);
      ann.type(1, 'one');
      await ann.until(() => ann.text === 'one');
      const { pid = 0 } = kept.child;
      process.kill(pid, 'SIGSTOP');
      await ann.until(() => statOf(pid)[0] === 'T');
      host.send({ kind: 'recall' });
      ann.type(2, 'two');
      await new Promise((resolve) => setImmediate(resolve)); // both are in their sockets
      process.kill(pid, 'SIGCONT');
      await ann.closed();
      await host.next('recalled');
      host.write('ben', 1, 'three');
      await host.says('three');
      expect(host.text).toBe('onethree');
      expect(typedBy(host)).toEqual([[1, 'one']]);
    },
  );

  keeps('gets a flood from the host alone', async (world) => {
    const { host, ann } = await delegated(world, 'stty raw -echo; printf ready; head -c 1 >/dev/null; seq 1 200000');
    ann.type(1, 'x');
    await host.says(/200000\r?\n$/);
    expect(ann.text.length).toBeLessThanOrEqual(4096);
    expect(host.text.startsWith(`ready${ann.text}`)).toBe(true);
  });
});
