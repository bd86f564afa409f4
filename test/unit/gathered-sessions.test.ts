/** A list of sessions that comes in parts while sessions change: it is told once, and as they are then. */
import { expect, test } from 'vitest';
import { CmdopClient } from '#client/cmdop-client.ts';
import { systemClock } from '#local/clock.ts';
import { encodeMessage, FrameDecoder, MAGIC } from '#protocol/frames.ts';
import type { ClientId, SessionId } from '#protocol/ids.ts';
import type { Transport, TransportListener } from '#protocol/transport.ts';

const actor = { id: 'a1', name: 'ann', kind: 'human', interface: 'cli', color: 0 };
const summary = (id: string, createdAt: number, title = '') => ({
  id: id as SessionId,
  name: id,
  address: `local/${id}`,
  state: 'running',
  end: null,
  command: ['cat'],
  cwd: '/',
  title,
  size: { cols: 80, rows: 24 },
  createdAt,
  endedAt: null,
  running: null,
  attached: [],
  control: { mode: 'turns', epoch: 0, holder: null },
  outputEnd: 0,
});
const next = { createdAt: 2, id: 'old' };

/** A host that answers each method with these messages, the first of which is its result. */
function hostOf(answers: Record<string, readonly object[]>): Transport {
  const decoder = new FrameDecoder();
  let listener: TransportListener | null = null;
  let skipMagic = MAGIC.length;
  return {
    kind: 'test',
    queuedBytes: 0,
    listen: (heard) => {
      listener = heard;
      queueMicrotask(() => heard.received(MAGIC));
    },
    send: (...parts) => {
      const bytes = Buffer.concat(parts);
      const rest = bytes.subarray(skipMagic);
      skipMagic = Math.max(0, skipMagic - bytes.length);
      for (const frame of decoder.push(rest)) {
        if (frame.kind !== 'message') continue;
        const { id, method } = JSON.parse(frame.json) as { id: number; method: string };
        const [result, ...events] = answers[method] ?? [{}];
        for (const message of [{ id, result }, ...events]) queueMicrotask(() => listener?.received(encodeMessage(message)));
      }
    },
    close: () => {},
  };
}

test('what changes between two parts of a list counts, and what is removed is not in it', async () => {
  const told: string[][] = [];
  const host = { version: '1', pid: 1, startedAt: 0, machine: 'm' };
  const client = new CmdopClient({
    identity: { id: 'c1' as ClientId, interface: 'cli', kind: 'human', name: 'ann', build: 'test' },
    connect: () =>
      Promise.resolve(
        hostOf({
          hello: [{ protocol: 1, host, actor, features: [] }],
          'host.watch': [
            { sessions: [summary('changing', 3), summary('leaving', 4)], warnings: [], next },
            { event: 'session.changed', params: { session: summary('changing', 3, 'changed') } },
            { event: 'session.removed', params: { session: 'leaving' } },
          ],
          'session.list': [{ sessions: [summary('oldest', 1), summary('old', 2)] }],
        }),
      ),
    clock: systemClock,
    random: Math.random,
    watch: true,
    reconnect: false,
    onWatch: ({ sessions }) => told.push(sessions.map(({ name, title }) => `${name} ${title}`.trim())),
  });
  await client.whenConnected();
  expect(told).toEqual([['oldest', 'old', 'changing changed']]);
  client.close();
});
