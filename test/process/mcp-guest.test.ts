/** A guest's agent: `cmdop mcp` on the guest's side, against the session that the guest was invited to, with the official client. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import type { Approval } from '#protocol/approvals.ts';
import { type Engine, openEngine, type Person } from './engine.ts';
import { shareSocket } from './guest-clients.ts';
import { CLI, startAgent, type TestAgent } from './mcp-client.ts';

let engine: Engine;
let ann: Person;
let invite = '';
let bobsHome = '';
let bobsEnv: Record<string, string> = {};
let agent: TestAgent;

beforeAll(async () => {
  engine = openEngine();
  writeFileSync(join(engine.home, '.bash_profile'), "PS1='$ '\n");
  engine.policy('{ "default": { "agents": "ask" } }');
  await engine.startHost();
  ann = engine.person('ann');
  await shareSocket(ann);
  for (const name of ['build', 'payroll']) await ann.client.request('session.create', { name, cwd: engine.home });
  bobsHome = mkdtempSync(join(tmpdir(), 'cmdop-bob-'));
  bobsEnv = { ...engine.env, HOME: bobsHome, CMDOP_HOME: bobsHome };
  const { code = '', invite: made } = await ann.client.request('share.create', { session: 'build', name: 'bob', role: 'operator' });
  invite = made.id;
  await promisify(execFile)(nodePath(), [CLI, 'join', code, '--name', 'ann-box'], { env: bobsEnv });
  agent = await startAgent(bobsEnv, { host: 'ann-box' });
});
afterAll(async () => {
  await agent?.close();
  await engine?.dispose();
  rmSync(bobsHome, { recursive: true, force: true });
});

/** Resolves with what is asked about `text`. */
async function asked(text: string): Promise<Approval> {
  const isPending = ({ id }: Approval) => ann.approvals.findLast((each) => each.id === id)?.state === 'pending';
  const found = () => ann.approvals.find((approval) => approval.text.includes(text) && isPending(approval));
  await ann.until(() => found() !== undefined);
  return found() as Approval;
}

test('it is an agent of the guest, in the one session there is for them; whatever it does, the owner is asked', async () => {
  const { value } = await agent.ok('sessions_list', {});
  expect(value).toMatchObject({ you: "bob's fixer", sessions: [{ session: 'build' }] });

  const call = agent.call('run', { session: 'build', command: 'echo one' });
  const joining = await asked('join');
  expect(joining.actor).toMatchObject({ name: "bob's fixer", kind: 'agent', guest: invite });
  await ann.client.request('approval.decide', { id: joining.id, decision: 'approve' });
  await ann.client.request('approval.decide', { id: (await asked('echo one')).id, decision: 'approve' });
  expect((await call).value).toMatchObject({ state: 'done', exitCode: 0, untrustedOutput: 'one\n', approval: { by: 'ann' } });
  const { commands } = await ann.client.request('history.list', { session: 'build' });
  expect(commands.at(-1)?.submitter).toMatchObject({ name: "bob's fixer", kind: 'agent', interface: 'mcp', guest: invite });
});

test('other sessions, sharing, approving and the policy are not there for it, and one of its own it cannot make', async () => {
  expect((await agent.call('screen_read', { session: 'payroll' })).error).toMatch(/no session|not found|payroll/i);
  expect((await agent.call('session_create', { name: 'mine' })).error).toContain('is for the owner');
  const { tools } = await agent.client.listTools();
  expect(tools.map(({ name }) => name).filter((name) => /share|approve|policy|role/.test(name))).toEqual([]);
  expect((await ann.client.request('share.list', {})).invites).toHaveLength(1);
});

test('a second one of the guest is another actor, and both are what the guest is: as observer they only read', async () => {
  const second = await startAgent(bobsEnv, { host: 'ann-box' });
  expect((await second.ok('sessions_list', {})).value.you).toBe("bob's fixer 2");
  await second.close();

  const bob = ann.sessions.find(({ name }) => name === 'build')?.attached.find(({ actor }) => actor.guest === invite)?.actor;
  await ann.client.request('role.set', { session: 'build', actor: bob?.id ?? '', role: 'observer' });
  expect((await agent.ok('screen_read', { session: 'build' })).text).toContain('one');
  const { error } = await agent.call('run', { session: 'build', command: 'echo two' });
  expect(error).toMatch(/observe/);
  const third = await startAgent(bobsEnv, { host: 'ann-box', name: 'reader' });
  const reading = third.call('screen_read', { session: 'build' });
  await ann.client.request('approval.decide', { id: (await asked('join')).id, decision: 'approve' });
  expect((await reading).text).toContain('one');
  await third.close();
});

test('revoked, it is told why, and gets nothing more', async () => {
  await ann.client.request('share.revoke', { id: invite });
  await ann.until(() => ann.sessions.find(({ name }) => name === 'build')?.attached.length === 0);
  expect((await agent.call('screen_read', { session: 'build' })).error).toContain('ann has revoked the invite');
  await expect.poll(async () => (await agent.call('sessions_list', {})).error).toContain('was revoked by the owner');
  const late = await startAgent(bobsEnv, { host: 'ann-box' });
  expect((await late.call('sessions_list', {})).error).toContain('ask the owner for another invite');
  await late.close();
});
