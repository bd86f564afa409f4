/** Screens, journals and command records over MCP, and what their subscribers are told: the official client beside a person. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import type { Engine, Person } from './engine.ts';
import { type AgentWorld, agentWorld, CLI, type TestAgent } from './mcp-client.ts';

let world: AgentWorld;
let engine: Engine;
let ann: Person;
let agent: TestAgent;
let newSession: AgentWorld['newSession'];

beforeAll(async () => {
  world = await agentWorld(
    '{ "default": { "agents": "allow" }, "rules": [{ "do": "deny", "kind": ["action"], "session": "private", "command": "join" }] }',
  );
  ({ engine, ann, agent, newSession } = world);
});
afterAll(() => world?.close());

const uri = (session: string, part: string) => `cmdop://local/${session}/${part}`;

test('every session has its screen, journal and command records', async () => {
  const session = await newSession();
  await agent.ok('run', { session, command: 'echo resource' });
  const { resources } = await agent.client.listResources();
  expect(resources.map((each) => each.uri)).toEqual(
    expect.arrayContaining(['screen', 'journal', 'commands'].map((part) => uri(session, part))),
  );
  const read = async (part: string) => {
    const [content] = (await agent.client.readResource({ uri: uri(session, part) })).contents;
    return content && 'text' in content ? content.text : '';
  };
  expect(await read('screen')).toMatch(/<<<<[0-9a-f]{16}\n\$ echo resource\nresource\n/);
  expect(JSON.parse(await read('commands'))).toMatchObject([{ command: 'echo resource', exitCode: 0 }]);
  expect(JSON.parse(await read('journal')).map(({ kind }: { kind: string }) => kind)).toContain('input');
});

test('subscribers are told when one changes, and no more once they unsubscribe', async () => {
  const session = await newSession();
  const parts = ['screen', 'journal', 'commands'];
  for (const part of parts) await agent.client.subscribeResource({ uri: uri(session, part) });
  const seen = ann.attach(session);
  await seen.type('echo news\r');
  for (const part of parts) await agent.untilUpdated(uri(session, part));
  for (const part of parts) await agent.client.unsubscribeResource({ uri: uri(session, part) });
  const told = agent.updates.length;
  await seen.type('echo more\r');
  await agent.ok('wait_for', { session, text: 'more\n', timeoutSeconds: 10 });
  expect(agent.updates).toHaveLength(told);
});

test('a journal has news when somebody types, though nothing ran; the command records have none', async () => {
  const session = await newSession();
  const seen = ann.attach(session);
  await seen.type('ec');
  for (const part of ['journal', 'commands']) await agent.client.subscribeResource({ uri: uri(session, part) });
  agent.updates.length = 0;
  const ben = engine.person('ben').attach(session);
  await ben.until(() => ben.stream.isAttached);
  await agent.untilUpdated(uri(session, 'journal'));
  expect(agent.updates).not.toContain(uri(session, 'commands'));
});

test('a screen that never rests is told of twice a second at most', { timeout: 20_000 }, async () => {
  const session = await newSession();
  await agent.client.subscribeResource({ uri: uri(session, 'screen') });
  agent.updates.length = 0;
  const from = performance.now();
  await agent.ok('run', { session, command: 'for i in $(seq 150); do echo $i; sleep 0.01; done', timeoutSeconds: 15 });
  const halfSeconds = (performance.now() - from) / 500;
  expect(agent.updates.length).toBeGreaterThan(1);
  expect(agent.updates.length).toBeLessThanOrEqual(Math.ceil(halfSeconds) + 1);
});

test('of a session that an agent may not read it is told nothing', async () => {
  await ann.client.request('session.create', { name: 'private', cwd: '/' });
  for (const part of ['screen', 'journal', 'commands']) {
    await expect(agent.client.subscribeResource({ uri: uri('private', part) }), part).rejects.toThrow(
      /may not join private: the policy forbids it/,
    );
  }
  await expect(agent.client.subscribeResource({ uri: uri('nowhere', 'screen') })).rejects.toThrow(/nowhere/);
  await expect(agent.client.subscribeResource({ uri: 'cmdop://elsewhere/x/screen' })).rejects.toThrow(/is not on this machine/);
});

test('an agent that was removed from a session hears no more of it', async () => {
  const session = await newSession();
  for (const part of ['screen', 'journal', 'commands']) await agent.client.subscribeResource({ uri: uri(session, part) });
  const seen = ann.attach(session);
  await seen.until(/\$ $/m);
  await ann.client.request('session.kick', { session, actor: 'fixer' });
  const other = await newSession();
  await agent.ok('run', { session: other, command: 'true' }); // whatever was under way has come
  agent.updates.length = 0;
  await seen.type('echo secret\r');
  await seen.until(/^secret/m);
  await ann.until(() => ann.commands.some(({ text, endedAt }) => text === 'echo secret' && endedAt !== null));
  await agent.ok('run', { session: other, command: 'true' });
  expect(agent.updates.filter((each) => each.startsWith(`cmdop://local/${session}/`))).toEqual([]);
  for (const part of ['screen', 'journal', 'commands']) {
    await expect(agent.client.readResource({ uri: uri(session, part) }), part).rejects.toThrow(/fixer was removed from/);
  }
});

test('a message that is too long is refused in a sentence, and the next one is served', async () => {
  const child = spawn(nodePath(), [CLI, 'mcp'], { env: engine.env, stdio: ['pipe', 'pipe', 'pipe'] });
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  const said: Buffer[] = [];
  child.stderr.on('data', (bytes: Buffer) => said.push(bytes));
  const ask = (message: Record<string, unknown>) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const next = async () => JSON.parse((await answers.next()).value ?? 'null') as unknown;
  ask({ method: 'tools/call', params: { name: 'send_keys', arguments: { text: 'x'.repeat(12_000_000) } }, id: 7 });
  expect(await next()).toEqual({
    jsonrpc: '2.0',
    id: 7,
    error: {
      code: -32600,
      message: expect.stringMatching(/^a message may have 4194304 bytes, and this one has 12000\d+: send less at once$/),
    },
  });
  ask({
    id: 8,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
  });
  expect(await next()).toMatchObject({ id: 8, result: { serverInfo: { name: 'cmdop' } } });
  child.stdin.end();
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(Buffer.concat(said).toString()).toBe('');
});
