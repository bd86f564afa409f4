/** How soon a person's word takes effect: agents paused while they write, an approval until its line was typed. */
import { randomBytes } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { CmdopClient } from '#client/cmdop-client.ts';
import { systemClock } from '#local/clock.ts';
import { connectToHost } from '#local/host-connection.ts';
import { localPaths } from '#local/paths.ts';
import type { Approval } from '#protocol/approvals.ts';
import { newClientId } from '#protocol/ids.ts';
import { attachTo } from './busy-agents.ts';
import type { CmdopPeer } from './cmdop-peer.ts';
import { percentile } from './statistics.ts';

const AGENTS = 50;
const APPROVALS = 20;
/** Keys and requests pass, lines at a prompt are asked. */
const POLICY = { rules: [{ do: 'allow', actor: 'agent:*', kind: ['keys', 'action'] }] };

/** Milliseconds: `answered` and `stopped` since the pause was asked for, `approved` from the decision to the agent's verdict. */
export type ControlTimes = { answered: number; stopped: number; approvedP50: number; approvedLongest: number };

export async function measureControl({ home }: CmdopPeer): Promise<ControlTimes> {
  const asked = Promise.withResolvers<Approval>();
  let next = asked;
  const client = (kind: 'human' | 'agent') =>
    new CmdopClient({
      identity: { id: newClientId((n) => randomBytes(n)), interface: kind === 'agent' ? 'mcp' : 'cli', kind, name: kind, build: 'bench' },
      connect: () => connectToHost({ start: false, paths: localPaths({ CMDOP_HOME: home }) }),
      clock: systemClock,
      random: Math.random,
      reconnect: false,
      watch: kind === 'human',
      onEvent: (event) => {
        if (event.event === 'approval.changed' && event.params.approval.state === 'pending') next.resolve(event.params.approval);
      },
    });
  const [ann, bot] = [client('human'), client('agent')];
  await Promise.all([ann.whenConnected(), bot.whenConnected()]);
  await ann.request('policy.set', { text: JSON.stringify(POLICY) });
  const paused = await measurePause(ann, home);

  const { session } = await ann.request('session.create', { cwd: '/', name: 'approvals' });
  const stream = await attachTo(bot, session.id);
  const approved: number[] = [];
  for (let n = 0; n < APPROVALS; n++) {
    next = Promise.withResolvers();
    const verdict = stream.type(Buffer.from(`: ${n}\r`));
    const { id } = await next.promise;
    const from = performance.now();
    const decided = ann.request('approval.decide', { id, decision: 'approve' });
    await verdict;
    approved.push(performance.now() - from);
    await decided;
  }
  await ann.request('session.kill', { session: session.id, signal: 'SIGKILL' });
  for (const each of [ann, bot]) each.close();
  approved.sort((a, b) => a - b);
  return { ...paused, approvedP50: percentile(approved, 50), approvedLongest: approved.at(-1) ?? 0 };
}

async function measurePause(ann: CmdopClient, home: string): Promise<{ answered: number; stopped: number }> {
  const command = ['/bin/sh', '-c', 'exec cat >/dev/null'];
  const { session } = await ann.request('session.create', { command, cwd: '/', controlMode: 'open' });
  const worker = new Worker(new URL('./busy-agents.ts', import.meta.url), { workerData: { home, session: session.id, agents: AGENTS } });
  const failed = new Promise<never>((_, reject) => worker.once('error', reject));
  const said = (word: string) =>
    Promise.race([failed, new Promise<void>((resolve) => worker.on('message', (message) => message === word && resolve()))]);
  const stopping = said('stopped');
  await said('writing');
  const from = performance.now();
  await ann.request('agents.pause', {});
  const answered = performance.now() - from;
  await stopping;
  const stopped = performance.now() - from;
  await ann.request('agents.resume', {});
  await ann.request('session.kill', { session: session.id, signal: 'SIGKILL' });
  await worker.terminate();
  return { answered, stopped };
}
