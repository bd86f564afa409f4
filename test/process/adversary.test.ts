/** An agent that tries to get around the policy: every way is refused or asked, journaled, and does nothing. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Verdict } from '#client/input-outbox.ts';
import { localPaths } from '#local/paths.ts';
import { encodeInput, encodeMessage, MAGIC } from '#protocol/frames.ts';
import { type Epoch, newClientId, type Seq } from '#protocol/ids.ts';
import type { Method, ParamsInput, Result } from '#protocol/messages.ts';
import { PROTOCOL } from '#protocol/versions.ts';
import { type Engine, openEngine, type Person, type Watched } from './engine.ts';
import { TYPED } from './ways-around.ts';
import { messageOf, WirePeer } from './wire-peer.ts';

const POLICY = `{
  "rules": [
    { "do": "allow", "session": "shell", "kind": ["action"], "command": "join" },
    { "do": "allow", "command": "echo *" },
    { "do": "allow", "command": "ls *" },
    { "do": "allow", "command": "cat *" },
    { "do": "allow", "command": "git status" },
    { "do": "allow", "command": "true" },
    { "do": "deny", "command": "rm *" },
  ],
}`;

let engine: Engine;
let ann: Person;
let bot: Person;
let typist: Watched;

beforeAll(async () => {
  engine = openEngine();
  engine.policy(POLICY);
  await engine.startHost();
  ann = engine.person('ann');
  bot = engine.person('bot', { kind: 'agent' });
  for (const name of ['shell', 'private']) await ann.client.request('session.create', { name, cwd: engine.home });
  typist = bot.attach('shell');
  await typist.until(/[#$] $/m);
});
afterAll(() => engine.dispose());

type Ended = { is: 'applied' | 'refused' | 'asked'; seen?: string[] };

/** What became of it; what is asked is rejected. */
async function tried(units: readonly string[]): Promise<Ended> {
  const from = ann.approvals.length;
  const verdicts = Promise.all(
    units.map((unit) => typist.stream.type(unit === 'echo \x9b\r' ? Uint8Array.from(Buffer.from(unit, 'latin1')) : Buffer.from(unit))),
  );
  const asked = () => ann.approvals.slice(from).find(({ state }) => state === 'pending');
  let settled: Verdict[] | null = null;
  let ended: Ended | null = null;
  void verdicts.then((all) => {
    settled = all;
  });
  for (;;) {
    await Promise.race([verdicts, ann.until(() => asked() !== undefined)]);
    const approval = asked();
    if (approval) {
      ended = { is: 'asked', seen: approval.seen };
      ann.approvals.splice(ann.approvals.indexOf(approval), 1);
      await ann.client.request('approval.decide', { id: approval.id, decision: 'reject' }).catch(() => {}); // withdrawn by itself
      continue;
    }
    if (settled) break;
  }
  const isApplied = (settled as Verdict[]).some(({ verdict }) => verdict === 'applied');
  return isApplied ? { is: 'applied' } : (ended ?? { is: 'refused' });
}

const events = async () =>
  (await ann.client.request('journal.list', { session: 'shell', kinds: ['approval', 'refused'], limit: 500 })).events;

test('what is allowed runs, so that the rest means something', async () => {
  expect(await tried(['echo allowed\r'])).toEqual({ is: 'applied' });
  await typist.until(/^allowed$/m);
});

test(`${TYPED.length} ways to type around the policy: none runs, each is in the journal`, { timeout: 120_000 }, async () => {
  expect(TYPED.length).toBeGreaterThanOrEqual(100);
  const through: string[] = [];
  for (const [name, ...units] of TYPED) {
    const before = (await events()).length;
    const { is } = await tried(units);
    if (is === 'applied') through.push(name);
    if ((await events()).length === before) through.push(`${name}: not in the journal`);
    await ann.until(() => true);
  }
  expect(through).toEqual([]);
  expect(existsSync(join(engine.home, 'c'))).toBe(false);
  // The shell got nothing of it, and the agent can go on.
  expect(await tried(['echo still here\r'])).toEqual({ is: 'applied' });
});

test('lines typed into a program are its keys: asked, not run as commands', async () => {
  expect(await tried(['cat\r'])).toEqual({ is: 'applied' });
  await ann.until(() => ann.commands.some(({ text, endedAt }) => text === 'cat' && endedAt === null));
  expect(await tried(['echo x\r'])).toMatchObject({ is: 'asked' });
  expect(await tried(['\x03'])).toEqual({ is: 'applied' }); // what it started, it may interrupt
  await ann.until(() => ann.commands.some(({ text, endedAt }) => text === 'cat' && endedAt !== null));
});

const REQUESTS: readonly [name: string, method: Method, params: object][] = [
  ['approving', 'approval.decide', { id: 1, decision: 'approve' }],
  ['a policy of its own', 'policy.set', { text: '{ "default": { "agents": "allow" } }' }],
  ['a browser of its own', 'web.open', {}],
  ['ending the host', 'host.stop', {}],
  ['another host', 'host.handoff', {}],
  ['everybody’s history', 'history.list', {}],
  ['everybody’s journal', 'journal.list', {}],
  ['a session with code in its environment', 'session.create', { env: { BASH_ENV: '/tmp/x' } }],
  ['a code path for a restart', 'session.restart', { session: 'private', env: { PROMPT_COMMAND: 'x' } }],
];

test.each(REQUESTS)('%s is refused', async (_, method, params) => {
  await expect(bot.client.request(method, params as ParamsInput<typeof method>)).rejects.toMatchObject({ code: 'unauthorized' });
});

const OWNERS_REQUESTS: readonly [name: string, method: Method, params: object][] = [
  ['resuming agents', 'agents.resume', {}],
  ['becoming owner', 'role.set', { session: 'shell', actor: 'bot', role: 'owner' }],
  ['removing a person', 'session.kick', { session: 'shell', actor: 'ann' }],
  ['opening the session to all', 'control.mode', { session: 'shell', mode: 'open' }],
  ['granting itself control', 'control.grant', { session: 'shell', to: 'bot' }],
];

test.each(OWNERS_REQUESTS)('%s is for owners', async (_, method, params) => {
  await expect(bot.client.request(method, params as ParamsInput<typeof method>)).rejects.toMatchObject({ code: 'not-owner' });
});

const ASKED: readonly [name: string, method: Method, params: object, text: string][] = [
  ['reading the screen of another session', 'session.screen', { session: 'private' }, 'join'],
  ['reading its output', 'output.read', { session: 'private', from: 0 }, 'join'],
  ['reading its history', 'history.list', { session: 'private' }, 'join'],
  ['reading its journal', 'journal.list', { session: 'private' }, 'join'],
  ['joining it', 'session.attach', { session: 'private' }, 'join'],
  ['ending it', 'session.kill', { session: 'private' }, 'signal SIGHUP'],
  ['renaming it', 'session.rename', { session: 'private', name: 'mine' }, 'rename mine'],
  ['a session of its own program', 'session.create', { command: ['/bin/sh', '-c', 'touch c'] }, 'create -- /bin/sh -c touch c'],
];

test.each(ASKED)('%s is asked', async (_, method, params, text) => {
  const answered = bot.client.request(method, params as ParamsInput<typeof method>).then(
    () => 'done',
    ({ code }) => code,
  );
  const waiting = () => ann.approvals.find((each) => each.kind === 'action' && each.text === text && each.state === 'pending');
  await ann.until(() => waiting() !== undefined);
  const { id } = waiting() ?? { id: 0 };
  ann.approvals.splice(0);
  await ann.client.request('approval.decide', { id, decision: 'reject' });
  expect(await answered).toBe('rejected');
});

test('a second connection of the same name is another agent: what the first was granted is not its own', async () => {
  const twin = engine.person('bot', { kind: 'agent' });
  await twin.client.whenConnected();
  expect(twin.client.actor?.name).not.toBe('bot');
  void typist.type('touch d\r');
  await ann.until(() => ann.approvals.some(({ text, state }) => text === 'touch d\r' && state === 'pending'));
  const { approvals } = await twin.client.request('approval.list', {});
  expect(approvals).toEqual([]);
  twin.client.close();
});

test('an epoch from before a person took over, the one after it, and one that is guessed let nothing through', async () => {
  const peer = await WirePeer.open(localPaths({ ...engine.env }).hostSocket, MAGIC.length);
  let asked = 0;
  const ask = async <M extends Method>(method: M, params: ParamsInput<M>): Promise<Result<M>> => {
    const id = ++asked;
    peer.send(encodeMessage({ id, method, params }));
    const answer = messageOf(await peer.until(method, () => peer.frames.find((each) => messageOf(each)?.id === id)));
    expect(answer).toHaveProperty('result');
    return answer?.result as Result<M>;
  };
  peer.send(MAGIC);
  const client = newClientId((n) => randomBytes(n));
  await ask('hello', { protocol: PROTOCOL, client: { id: client, interface: 'mcp', kind: 'agent', name: 'forger', build: 'x' } });
  const { channel } = await ask('session.attach', { session: 'shell' });
  const { epoch } = (await ask('control.take', { channel, force: true })).control;
  const view = ann.attach('shell');
  await view.until(() => view.stream.isAttached);
  await view.stream.takeControl();
  let seq = 0;
  const type = (guess: number) =>
    peer.send(
      encodeInput({ channel, epoch: guess as Epoch, seq: ++seq as Seq, bytes: Buffer.from('echo allowed, and out of its time\r') }),
    );
  const refusals = () => peer.frames.map(messageOf).filter((each) => each?.event === 'input.refused');
  type(epoch);
  type(epoch + 1);
  await peer.until('two refusals', () => refusals().length === 2);
  await view.stream.releaseControl();
  const now = (await ask('control.take', { channel })).control.epoch;
  type(epoch);
  type(now + 1);
  await peer.until('four refusals', () => refusals().length === 4);
  const reasons = ['not-in-control', 'not-in-control', 'stale-epoch', 'stale-epoch'];
  expect(refusals()).toMatchObject(reasons.map((reason) => ({ params: { reason } })));
  expect((await events()).slice(-4).map(({ actorName, payload }) => `${actorName} ${payload.reason}`)).toEqual(
    reasons.map((each) => `forger ${each}`),
  );
  expect(view.text()).not.toContain('out of its time');
  view.stream.detach();
  peer.close();
});

test('whoever comes through MCP is an agent, whatever it says', async () => {
  const liar = engine.person('ann', { kind: 'agent' });
  await liar.client.whenConnected();
  expect(liar.client.actor).toMatchObject({ kind: 'agent', interface: 'mcp' });
  await expect(liar.client.request('approval.decide', { id: 1, decision: 'approve' })).rejects.toMatchObject({ code: 'unauthorized' });
  liar.client.close();
});
