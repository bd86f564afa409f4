/**
 * A client and a keeper of protocol version 1, as they were recorded, with this build's host; and a host of version 1 with
 * this build's keeper. What they sent is sent again byte by byte; what they were told must be told again.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type LocalPaths, localPaths } from '#local/paths.ts';
import { nodePath } from '#local/runtime.ts';
import { encodeInput, encodeMessage, MAGIC } from '#protocol/frames.ts';
import type { Channel, Epoch, Seq } from '#protocol/ids.ts';
import { difference, type Line, readTranscript } from '../contract/transcripts.ts';
import { type Engine, openEngine } from './engine.ts';
import { messageOf, outputOf, WirePeer } from './wire-peer.ts';

let engine: Engine;
let paths: LocalPaths;
beforeEach(() => {
  engine = openEngine();
  paths = localPaths({ ...engine.env });
});
afterEach(() => engine.dispose());

const bytesOf = ({ hex }: Line) => Buffer.from(hex, 'hex');

test('a client of version 1 is served as it was', async () => {
  await engine.startHost();
  const { lines } = readTranscript('client-v1');
  const host = await WirePeer.open(paths.hostSocket, MAGIC.length);
  const told: Line[] = [];
  for (const line of lines) {
    if (line.side === 'host') {
      told.push(line);
      await toldAgain(host, bytesOf(line), told.map(bytesOf));
    } else host.send(bytesOf(line));
  }
  await host.until('the end', () => host.isClosed);
});

/** Waits for what a recorded frame of the host told. `before`: all frames up to this one. */
async function toldAgain(host: WirePeer, then: Buffer, before: Buffer[]): Promise<void> {
  const message = messageOf(then);
  if (message) {
    const { id, event } = message;
    const isSame = (now: Record<string, unknown> | null) =>
      now !== null && (event === undefined ? now.id === id : now.event === event && difference(message, now) === null);
    const now = await host.until(JSON.stringify(message).slice(0, 200), () => host.frames.map(messageOf).find(isSame));
    expect(difference(message, now)).toBeNull();
  } else if (then[4] === 1) {
    // Output may be cut into other frames: what counts is that it goes on as it did.
    const channel = then.readUInt32LE(5);
    const wanted = outputOf(before, channel);
    const now = await host.until('output', () => outputOf(host.frames, channel).length >= wanted.length && outputOf(host.frames, channel));
    expect(now.subarray(0, wanted.length).toString()).toBe(wanted.toString());
    const offsets = (frames: Buffer[]) =>
      frames.find((frame) => frame[4] === 1 && frame.length > 17 && frame.readUInt32LE(5) === channel)?.readBigUInt64LE(9);
    expect(offsets(host.frames)).toBe(offsets(before));
  } else if (then[4] === 3) {
    const isHere = (now: Buffer) => now[4] === 3 && now.subarray(5, 17).equals(then.subarray(5, 17));
    await host.until('a snapshot at the same offset', () => host.frames.some(isHere));
  } else {
    await host.until('the same bytes', () => host.frames.some((now) => now.equals(then)));
  }
}

describe('the keeper wire', () => {
  const { about, lines } = readTranscript('keeper-v1');
  const session = String(about.session);
  const hellos = lines.filter((line) => line.side === 'keeper' && bytesOf(line)[4] === 1).map((line) => jsonOf(bytesOf(line)));

  test('a host of version 1 finds in this keeper what it left with it', async () => {
    const socket = `${engine.home}/k.sock`;
    const keeper = spawn(nodePath(), [resolve('dist/keeper.mjs')], { stdio: ['pipe', 'pipe', 'inherit'], env: {}, detached: true });
    const spec = {
      session,
      socket,
      meta: hellos[0]?.meta,
      file: '/bin/cat',
      args: [],
      env: { TERM: 'xterm' },
      cwd: '/',
      cols: 80,
      rows: 24,
    };
    keeper.stdin.end(JSON.stringify(spec));
    await once(keeper.stdout, 'data');
    const hasExited = once(keeper, 'exit');
    try {
      for (const link of [1, 2]) {
        const peer = await WirePeer.open(socket, 0);
        const before: Buffer[] = [];
        for (const line of lines.filter((each) => each.link === link)) {
          if (line.side === 'host') peer.send(bytesOf(line));
          else {
            before.push(bytesOf(line));
            await saidAgain(peer, bytesOf(line), before);
          }
        }
        if (link === 1) peer.close();
        else await peer.until('the end', () => peer.isClosed);
      }
      await hasExited;
      expect(existsSync(socket)).toBe(false);
    } finally {
      keeper.kill('SIGKILL');
    }
  });

  test('a keeper of version 1 is adopted by this host: its output, what was typed, and its end', async () => {
    const recorded = lines.filter(({ link }) => link === 2);
    const heard: string[] = [];
    await engine.startHost(); // makes the folders
    await engine.killHost();
    const server = createServer(
      (socket) => void actKeeper(new WirePeer(socket, 0, (frame) => heard.push(frame.toString('hex'))), recorded),
    );
    await once(server.listen(paths.keeperSocket(session)), 'listening');
    try {
      await engine.startHost();
      const host = await WirePeer.open(paths.hostSocket, MAGIC.length);
      let id = 0;
      const ask = async (method: string, params: unknown) => {
        const own = ++id;
        host.send(encodeMessage({ id: own, method, params }));
        const answer = await host.until(`the answer to ${method}`, () => host.frames.map(messageOf).find((message) => message?.id === own));
        expect(answer.error).toBeUndefined();
        return answer.result as Record<string, unknown>;
      };
      const type = (epoch: number, seq: number, text: string) =>
        host.send(encodeInput({ channel: 1 as Channel, epoch: epoch as Epoch, seq: seq as Seq, bytes: Buffer.from(text) }));
      host.send(MAGIC);
      await ask('hello', {
        protocol: { min: 1, max: 1 },
        client: { id: about.client, interface: 'cli', name: 'ann', build: 'recorded' },
      });
      const stored = await ask('output.read', { session, from: 0 });
      expect(Buffer.from(String(stored.bytes), 'base64').toString()).toBe('hello\r\nhello\r\ntwo\r\ntwo\r\n');
      const attached = await ask('session.attach', { session, have: 0 });
      expect(attached).toMatchObject({ mode: 'resume', applied: 2, session: { id: session, state: 'running', name: 'kept' } });
      const { control } = (await ask('control.take', { channel: 1, force: true })) as { control: { epoch: number } };
      type(control.epoch, 3, 'three\r');
      await host.until('three', () => outputOf(host.frames, 1).toString() === 'hello\r\nhello\r\ntwo\r\ntwo\r\nthree\r\nthree\r\n');
      await host.until('its verdict', () => host.frames.map(messageOf).some((message) => message?.event === 'input.applied'));
      type(control.epoch, 4, '\x04');
      const ended = await host.until('the end', () => host.frames.map(messageOf).find((message) => message?.event === 'session.ended'));
      expect(ended.params).toEqual({ channel: 1, end: { reason: 'exited', code: 0, signal: null } });
      await expect.poll(() => heard.at(-1)).toBe('0100000006'); // released, once its output is stored
      // What is typed comes to it in the bytes it knows.
      const writes = recorded.filter((line) => line.side === 'host' && bytesOf(line)[4] === 2).map(({ hex }) => hex);
      expect(heard.filter((frame) => frame.slice(8, 10) === '02')).toEqual(writes);
      host.close();
    } finally {
      server.close();
    }
  });
});

async function saidAgain(peer: WirePeer, then: Buffer, before: Buffer[]): Promise<void> {
  if (then[4] === 1) {
    const now = await peer.until('its hello', () => peer.frames[0]);
    expect(difference(jsonOf(then), jsonOf(now))).toBeNull();
  } else if (then[4] === 2) {
    const wanted = keptOf(before);
    const now = await peer.until('output', () => keptOf(peer.frames).length >= wanted.length && keptOf(peer.frames));
    expect(now.subarray(0, wanted.length).toString()).toBe(wanted.toString());
  } else await peer.until(then.toString('hex'), () => peer.frames.some((now) => now.equals(then)));
}

/** Says what a keeper said, each time when it was asked as then. */
async function actKeeper(host: WirePeer, recorded: Line[]): Promise<void> {
  for (const line of recorded) {
    const frame = bytesOf(line);
    if (line.side === 'keeper') host.send(frame);
    else if (frame[4] === 1) await host.until('hello', () => host.frames[0]?.[4] === 1);
    else if (frame[4] === 2) await host.until('the same input', () => host.frames.some((now) => now.equals(frame)));
  }
}

const jsonOf = (frame: Buffer) => JSON.parse(frame.subarray(5).toString()) as Record<string, unknown>;
/** The bytes of a keeper's OUTPUT frames. */
const keptOf = (frames: readonly Buffer[]) => Buffer.concat(frames.filter((frame) => frame[4] === 2).map((frame) => frame.subarray(13)));
