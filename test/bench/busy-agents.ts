/** A worker with agents that write all the time, each as soon as it has its verdict, until they are refused. */
import { randomBytes } from 'node:crypto';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { CmdopClient } from '#client/cmdop-client.ts';
import type { SessionSink } from '#client/session-sink.ts';
import type { SessionStream } from '#client/session-stream.ts';
import { systemClock } from '#local/clock.ts';
import { connectToHost } from '#local/host-connection.ts';
import { localPaths } from '#local/paths.ts';
import { newClientId } from '#protocol/ids.ts';

const LINE = Buffer.from(`${'.'.repeat(63)}\n`);
/** The worker says `writing` when so many units were written, and `stopped` when every agent was refused. */
const WARM_UNITS = 20;

if (!isMainThread) await writeAll(workerData as { home: string; session: string; agents: number });

async function writeAll({ home, session, agents }: { home: string; session: string; agents: number }): Promise<void> {
  let units = 0;
  const written = () => {
    units += 1;
    if (units === agents * WARM_UNITS) parentPort?.postMessage('writing');
  };
  await Promise.all(Array.from({ length: agents }, (_, n) => write({ home, session, n, written })));
  parentPort?.postMessage('stopped');
}

async function write({ home, session, n, written }: { home: string; session: string; n: number; written: () => void }): Promise<void> {
  const client = new CmdopClient({
    identity: { id: newClientId((count) => randomBytes(count)), interface: 'mcp', kind: 'agent', name: `bot ${n}`, build: 'bench' },
    connect: () => connectToHost({ start: false, paths: localPaths({ CMDOP_HOME: home }) }),
    clock: systemClock,
    random: Math.random,
    reconnect: false,
  });
  await client.whenConnected();
  const stream = await attachTo(client, session);
  for (;;) {
    const { verdict } = await stream.type(LINE);
    if (verdict === 'refused') return client.close();
    written();
  }
}

/** Attached to `session`, which nobody looks at. */
export function attachTo(client: CmdopClient, session: string): Promise<SessionStream> {
  return new Promise((resolve, reject) => {
    const sink: SessionSink = {
      snapshot: (_text, _size, parsed) => parsed(),
      output: (_bytes, parsed) => parsed(),
      resized: () => {},
      gap: () => {},
      refused: () => {},
      changed: () => {
        if (stream.isAttached) resolve(stream);
      },
      ended: () => {},
      failed: reject,
    };
    const stream = client.attach(session, sink);
  });
}
