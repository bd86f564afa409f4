/** A raw connection to a host, for what no client of ours sends. */
import { connect, type Socket } from 'node:net';
import { expect } from 'vitest';
import { localPaths } from '#local/paths.ts';
import { encodeMessage, type Frame, FrameDecoder, MAGIC } from '#protocol/frames.ts';
import type { Engine, Person, Watched } from './engine.ts';

export type Stranger = {
  socket: Socket;
  /** What it was told. */
  messages: Record<string, unknown>[];
  closed: Promise<void>;
  next(match: (message: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
};

export function strangerAt(home: string): Stranger {
  const socket = connect(localPaths({ CMDOP_HOME: home }).hostSocket);
  const decoder = new FrameDecoder();
  const messages: Record<string, unknown>[] = [];
  let skipMagic = MAGIC.length;
  let look = () => {};
  socket.on('data', (bytes: Buffer) => {
    const rest = bytes.subarray(skipMagic);
    skipMagic = Math.max(0, skipMagic - bytes.length);
    for (const frame of decoder.push(rest) as Iterable<Frame>) if (frame.kind === 'message') messages.push(JSON.parse(frame.json));
    look();
  });
  socket.on('error', () => {}); // reset by the host
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  const next = (match: (message: Record<string, unknown>) => boolean) =>
    new Promise<Record<string, unknown>>((resolve) => {
      look = () => {
        const found = messages.find(match);
        if (found) resolve(found);
      };
      look();
    });
  return { socket, messages, closed, next };
}

export const hello = (protocol = { min: 1, max: 1 }, kind: 'human' | 'agent' = 'human') =>
  encodeMessage({
    id: 1,
    method: 'hello',
    params: { protocol, client: { id: 'stranger-1', interface: 'cli', name: 'stranger', kind, build: 'x' } },
  });

export type Calm = { ann: Person; view: Watched; expectCalm: () => Promise<void> };

/** Somebody at work at the same host, in a session `calm` of `cat`; `expectCalm` says whether they notice anything. */
export async function calmPerson(engine: Engine): Promise<Calm> {
  const ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'calm', command: ['/bin/cat'], cwd: '/' });
  const view = ann.attach('calm');
  await view.type('hello\r');
  await view.until('hello\nhello'); // also what `cat` says, which would come between a later line and its echo
  const expectCalm = async () => {
    const word = `calm-${Math.random()}`;
    expect((await view.type(`${word}\r`)).verdict).toBe('applied');
    await view.until(`${word}\n${word}`);
    expect(view.stream.isAttached).toBe(true);
  };
  return { ann, view, expectCalm };
}
