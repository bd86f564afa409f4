/** An agent under the policy that asks each time, as it meets it over MCP: approved, edited, rejected, and a whole task with a person beside it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Approval } from '#protocol/approvals.ts';
import type { Offset } from '#protocol/ids.ts';
import { type Engine, openEngine, type Person } from './engine.ts';
import { startAgent, type TestAgent } from './mcp-client.ts';

let engine: Engine;
let ann: Person;
let agent: TestAgent;

beforeAll(async () => {
  engine = openEngine();
  writeFileSync(join(engine.home, '.bash_profile'), "PS1='$ '\n");
  engine.policy('{ "default": { "agents": "ask" }, "rules": [{ "do": "allow", "kind": ["action"], "command": "create" }] }');
  await engine.startHost();
  ann = engine.person('ann');
  await ann.until(() => ann.client.state.is === 'connected');
  agent = await startAgent(engine.env);
  await agent.ok('session_create', { name: 'task', folder: engine.home });
});
afterAll(async () => {
  await agent?.close();
  await engine.dispose();
});

/** Resolves with what is asked about `text`. */
async function asked(text: string): Promise<Approval> {
  const isIt = (approval: Approval) => approval.state === 'pending' && approval.text.includes(text);
  await ann.until(() => ann.approvals.some(isIt));
  const found = ann.approvals.find(isIt);
  if (!found) throw new Error('it was there');
  return found;
}

test('what a person approves runs; the agent hears that it waits, and who said yes', async () => {
  const told: string[] = [];
  const call = agent.call(
    'run',
    { session: 'task', command: 'echo one', reason: 'to count' },
    { progress: (message) => told.push(message) },
  );
  const { id, reason } = await asked('echo one');
  expect(reason).toBe('to count');
  await ann.until(() => ann.sessions.find(({ name }) => name === 'task')?.agentState?.is === 'waiting-approval');
  await ann.client.request('approval.decide', { id, decision: 'approve' });
  const { value, text } = await call;
  expect(value).toMatchObject({ state: 'done', exitCode: 0, untrustedOutput: 'one\n', approval: { id, decision: 'approved', by: 'ann' } });
  expect(text).toContain('It was approved by ann.');
  expect(told).toContain(`waiting for approval ${id}: a person at task is asked`);
});

test('what a person edits runs as they wrote it, and the agent is told', async () => {
  const call = agent.call('run', { session: 'task', command: 'echo two' });
  await ann.client.request('approval.decide', { id: (await asked('echo two')).id, decision: 'approve', text: 'echo 2' });
  const { value, text } = await call;
  expect(value).toMatchObject({ untrustedOutput: '2\n', approval: { ranInstead: 'echo 2' } });
  expect(text).toContain('`echo 2` ran instead of what you sent');
  const { approval, command } = await ann.client.request('history.at', { session: 'task', at: { offset: value.fromOffset as Offset } });
  expect(command?.text).toBe('echo 2');
  expect(approval).toMatchObject({ decidedBy: { name: 'ann' }, edited: 'echo 2' });
});

test('what a person rejects does not run, and the agent gets the reason', async () => {
  const call = agent.call('run', { session: 'task', command: 'rm -rf build' });
  await ann.client.request('approval.decide', { id: (await asked('rm -rf')).id, decision: 'reject', reason: 'the build is needed' });
  const { error } = await call;
  expect(error).toMatch(/^rejected: .*the build is needed.*do not try the same in another form/s);
});

test('what nobody has decided at the timeout is told as such', async () => {
  const { value, text } = await agent.call('run', { session: 'task', command: 'echo later', timeoutSeconds: 0.5 });
  expect(value.state).toBe('waiting-approval');
  expect(text).toContain('do not send it again');
  await ann.client.request('approval.decide', { id: (await asked('echo later')).id, decision: 'approve' });
  expect((await agent.ok('wait_for', { session: 'task', prompt: true, fromOffset: value.fromOffset })).value.met).toBe(true);
});

test('an agent cannot approve itself', async () => {
  const call = agent.call('run', { session: 'task', command: 'echo self' });
  const { id } = await asked('echo self');
  expect(agent.client.getServerCapabilities()?.tools).toBeDefined();
  const { tools } = await agent.client.listTools();
  expect(tools.filter(({ name }) => /approv|policy/.test(name))).toEqual([]);
  await ann.client.request('approval.decide', { id, decision: 'reject' });
  await call;
});

test('a call that is cancelled takes back what waits for approval, and nothing runs', async () => {
  const giveUp = new AbortController();
  const call = agent.call('run', { session: 'task', command: 'echo taken-back' }, { signal: giveUp.signal });
  const { id } = await asked('echo taken-back');
  giveUp.abort();
  await expect(call).rejects.toThrow();
  await ann.until(() => ann.approvals.some((each) => each.id === id && each.state === 'withdrawn'));
  await expect(ann.client.request('approval.decide', { id, decision: 'approve' })).rejects.toThrow();
  const next = agent.call('run', { session: 'task', command: 'echo next' });
  await ann.client.request('approval.decide', { id: (await asked('echo next')).id, decision: 'approve' });
  expect((await next).value).toMatchObject({ state: 'done', untrustedOutput: 'next\n' });
  expect(ann.commands.some(({ text }) => text.includes('taken-back'))).toBe(false);
});

test('a whole task: find the failing test, fix it, run it again, with the history saying who did what', async () => {
  engine.policy();
  const folder = join(engine.home, 'project');
  mkdirSync(folder);
  writeFileSync(join(folder, 'sum.sh'), 'sum() { echo $(($1 - $2)); }\n');
  writeFileSync(
    join(folder, 'test.sh'),
    '. ./sum.sh\n[ "$(sum 2 3)" = 5 ] && echo ok || { echo "FAIL sum 2 3: $(sum 2 3), not 5"; exit 1; }\n',
  );
  const session = 'fix';
  await agent.ok('session_create', { name: session, folder });
  const first = (await agent.ok('run', { session, command: 'sh test.sh', reason: 'to find the failing test' })).value;
  expect(first.exitCode).toBe(1);
  const failing = /FAIL (\w+)/.exec(String(first.untrustedOutput))?.[1];
  const source = (await agent.ok('run', { session, command: `cat ${failing}.sh` })).value;
  expect(String(source.untrustedOutput)).toContain('$1 - $2');
  await agent.ok('run', { session, command: `sed -i 's/\\$1 - \\$2/$1 + $2/' ${failing}.sh`, reason: 'the sign is wrong' });
  const seen = ann.attach(session);
  await seen.until(() => seen.stream.isAttached);
  await seen.type('echo "ann was here" >> notes\r');
  await ann.until(() => ann.commands.some(({ text, endedAt }) => text.includes('notes') && endedAt !== null));
  await seen.stream.releaseControl();
  const last = (await agent.ok('run', { session, command: 'sh test.sh', reason: 'to see that it passes' })).value;
  expect(last).toMatchObject({ exitCode: 0, untrustedOutput: 'ok\n' });
  expect(readFileSync(join(folder, 'sum.sh'), 'utf8')).toContain('$1 + $2');
  const { commands } = await ann.client.request('history.list', { session });
  expect(commands.map(({ submitter }) => submitter?.name)).toEqual(['fixer', 'fixer', 'fixer', 'ann', 'fixer']);
});
