/** What sessions cost in which nothing happens: memory of everything but the program, and how often it wakes up. */
import { type BenchSession, type Peer, pause } from './peer.ts';
import { cpuSeconds, pssBytes, sum, wakeups } from './processes.ts';

/** After the last session's start, milliseconds: collectors and just-in-time compilers come to rest. */
const SETTLE_MS = 2_000;

export type Idle = {
  /** Growth per session, bytes: keepers and their share of what grew with them. */
  bytesPerSession: number;
  /** Of everything of the peer together, a second. */
  wakeupsPerSecond: number;
  /** Of all of it, milliseconds a second. */
  cpuMsPerSecond: number;
};

export async function measureIdle(peer: Peer, options: { sessions: number; watchMs: number }): Promise<Idle> {
  // What the first session loads is not of every session.
  const first = await peer.start('exec cat');
  await pause(SETTLE_MS);
  const before = sum(await relaysOf([first]), pssBytes);
  const sessions = [first];
  while (sessions.length < options.sessions) sessions.push(await peer.start('exec cat'));
  const relays = await relaysOf(sessions);
  peer.leave?.();
  await pause(SETTLE_MS);
  const bytes = sum(relays, pssBytes) - before;
  const [wakeupsBefore, cpuBefore] = [sum(relays, wakeups), sum(relays, cpuSeconds)];
  await pause(options.watchMs);
  const woken = sum(relays, wakeups) - wakeupsBefore;
  const cpu = sum(relays, cpuSeconds) - cpuBefore;
  await peer.comeBack?.();
  for (const session of sessions) await session.end();
  const seconds = options.watchMs / 1000;
  return {
    bytesPerSession: bytes / (options.sessions - 1),
    wakeupsPerSecond: woken / seconds,
    cpuMsPerSecond: (cpu * 1000) / seconds,
  };
}

async function relaysOf(sessions: readonly BenchSession[]): Promise<number[]> {
  const pids = new Set<number>();
  for (const session of sessions) for (const pid of await session.relayPids()) pids.add(pid);
  return [...pids];
}
