/** Signals to single processes: only to those of the session, to exactly the one that was meant, by who may act there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ProcessRow } from '#protocol/shapes.ts';
import { type Engine, openEngine, type Person } from './engine.ts';

let engine: Engine;
let ann: Person;
beforeEach(async () => {
  engine = openEngine();
  expect(await engine.startHost()).toBe('ready');
  ann = engine.person('ann');
});
afterEach(() => engine.dispose());

const list = async (person: Person, session: string): Promise<ProcessRow[]> =>
  (await person.client.request('processes.list', { session })).processes;

async function sleeper(name: string, script: string): Promise<ProcessRow[]> {
  await ann.client.request('session.create', { name, command: ['/bin/sh', '-c', `${script} echo ready; exec cat`], cwd: '/' });
  await ann.attach(name).until('ready');
  return list(ann, name);
}

test('of a process are told its CPU time, memory, folder and when it began', async () => {
  await sleeper('busy', 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done;');
  // A system counts what a program that has just begun takes a little later.
  await expect.poll(async () => (await list(ann, 'busy'))[0]?.memoryBytes).toBeGreaterThan(100_000);
  const [first] = await list(ann, 'busy');
  expect(first).toMatchObject({ command: expect.stringContaining('cat'), cwd: '/', birth: expect.stringMatching(/^\d+$/) });
  expect(first?.cpuMs).toBeGreaterThan(20);
  expect(Math.abs(Date.now() - (first?.startedAt ?? 0))).toBeLessThan(60_000);
});

test('a process whose parent has gone is still of the session, one in another session is not', async () => {
  const processes = await sleeper('orphan', '(sleep 777 &);');
  const orphan = processes.find(({ command }) => command === 'sleep 777');
  expect(orphan).toBeDefined();
  await sleeper('other', '');
  await expect(ann.client.request('processes.signal', { session: 'other', pid: orphan?.pid ?? 0 })).rejects.toThrow(
    `${orphan?.pid} is no process of other`,
  );
  expect(await ann.client.request('processes.signal', { session: 'orphan', pid: orphan?.pid ?? 0 })).toEqual({ command: 'sleep 777' });
});

test('a process outside, and one that took the number of another, are not hit', async () => {
  const processes = await sleeper('mine', 'sleep 778 &');
  const outside = spawn('sleep', ['779']);
  const request = (pid: number, birth?: string) =>
    ann.client.request('processes.signal', { session: 'mine', pid, signal: 'SIGKILL', ...(birth === undefined ? {} : { birth }) });
  await expect(request(outside.pid ?? 0)).rejects.toMatchObject({ code: 'process-not-found' });
  const own = processes.find(({ command }) => command === 'sleep 778');
  await expect(request(own?.pid ?? 0, '1')).rejects.toMatchObject({ code: 'process-not-found' });
  expect((await list(ann, 'mine')).map(({ pid }) => pid)).toContain(own?.pid);
  await request(own?.pid ?? 0, own?.birth);
  expect(outside.exitCode).toBeNull();
  outside.kill();
  await once(outside, 'exit');
});

test('observers signal nothing, and agents what the policy allows', async () => {
  engine.policy('{ "default": { "agents": "deny" }, "rules": [{ "do": "allow", "command": "signal SIGINT *" }] }');
  const processes = await sleeper('guarded', 'sleep 780 & sleep 781 &');
  const pid = processes.find(({ command }) => command === 'sleep 780')?.pid ?? 0;
  const bob = engine.person('bob');
  await bob.client.request('session.list', {});
  await bob.attach('guarded').until('ready');
  await ann.client.request('role.set', { session: 'guarded', actor: 'bob', role: 'observer' });
  await expect(bob.client.request('processes.signal', { session: 'guarded', pid })).rejects.toMatchObject({ code: 'observer' });
  const bot = engine.person('bot', { kind: 'agent' });
  await expect(bot.client.request('processes.signal', { session: 'guarded', pid, signal: 'SIGKILL' })).rejects.toMatchObject({
    code: 'policy',
  });
  expect((await list(ann, 'guarded')).map((each) => each.pid)).toContain(pid);
});
