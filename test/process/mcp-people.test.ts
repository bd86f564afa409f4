/** An agent among people, over MCP: an actor like others, that gives way, and does not drive the session it runs in. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import type { Engine, Person } from './engine.ts';
import { type AgentWorld, agentWorld, CLI, startAgent, type TestAgent } from './mcp-client.ts';

let world: AgentWorld;
let engine: Engine;
let ann: Person;
let agent: TestAgent;
let newSession: AgentWorld['newSession'];

beforeAll(async () => {
  world = await agentWorld();
  ({ engine, ann, agent, newSession } = world);
});
afterAll(() => world?.close());

const run = (session: string, command: string, more: Record<string, unknown> = {}) => agent.ok('run', { session, command, ...more });

describe('beside people', () => {
  test('an agent is an actor of its own, and two of one name are two', async () => {
    const second = await startAgent(engine.env);
    expect((await agent.ok('sessions_list', {})).value.you).toBe('fixer');
    expect((await second.ok('sessions_list', {})).value.you).toBe('fixer 2');
    await second.close();
  });

  test('reading leaves everybody else’s terminal alone: the agent is there as an observer until it acts', async () => {
    const session = await newSession();
    await agent.ok('wait_for', { session, idleSeconds: 0.1 });
    const roles = () => ann.sessions.find(({ name }) => name === session)?.attached.map(({ actor, role }) => `${actor.name} ${role}`);
    await ann.until(() => roles()?.includes('fixer observer') === true);
    await agent.ok('session_attach', { session });
    await ann.until(() => roles()?.includes('fixer operator') === true);
    expect(roles()).toEqual(['fixer operator']);
  });

  test('a person takes over by typing; the agent is told on its next try, asks, and gets what it missed', async () => {
    const session = await newSession();
    await agent.ok('send_keys', { session, text: 'echo mine' });
    const seen = ann.attach(session);
    await seen.until(() => seen.stream.isAttached);
    await seen.type('; echo hers\r');
    await ann.until(() => ann.commands.some(({ text, endedAt }) => text === 'echo mine; echo hers' && endedAt !== null));
    await seen.stream.takeControl();
    const { error } = await agent.call('send_keys', { session, text: 'ls', keys: ['Enter'] });
    expect(error).toMatch(/^control-held: .*ann.*control_request/s);
    const asked = agent.ok('control_request', { session, reason: 'to go on' });
    await ann.until(() => seen.stream.control !== null);
    await seen.stream.releaseControl();
    // Whoever asked takes what is free.
    const granted = await asked.catch(() => null);
    const { value } = await agent.ok('send_keys', { session, keys: ['Enter'] });
    const missed = (granted?.value.missed ?? value.missed) as { fromOffset: number; toOffset: number } | null;
    expect(missed).not.toBe(null);
    const { value: piece } = await agent.ok('output_read', { session, fromOffset: missed?.fromOffset });
    expect(String(piece.untrustedOutput)).toContain('hers');
    const { commands } = await ann.client.request('history.list', { session });
    expect(
      commands
        .at(0)
        ?.authors.map(({ name }) => name)
        .sort(),
    ).toEqual(['ann', 'fixer']);
    await agent.ok('control_release', { session });
  });

  test('paused agents are told to stop', async () => {
    const session = await newSession();
    await agent.ok('send_keys', { session, text: 'true', keys: ['Enter'] });
    await ann.client.request('agents.pause', { session });
    const { error } = await agent.call('send_keys', { session, text: 'true', keys: ['Enter'] });
    expect(error).toMatch(/^agents-paused: /);
    await ann.client.request('agents.resume', { session });
    await agent.ok('send_keys', { session, text: 'true', keys: ['Enter'] });
  });

  test('a line that was taken away before the shell read it leaves nothing behind: the next one is a command like others', async () => {
    const session = await newSession();
    const { shellPid } = await ann.client.request('session.inspect', { session });
    process.kill(shellPid ?? 0, 'SIGSTOP');
    await agent.ok('send_keys', { session, text: 'echo half', keys: ['Enter'] });
    await ann.client.request('agents.pause', { session });
    process.kill(shellPid ?? 0, 'SIGCONT');
    await ann.client.request('agents.resume', { session });
    await agent.ok('send_keys', { session, text: 'echo whole', keys: ['Enter'] });
    await agent.ok('wait_for', { session, regex: '^whole$' });
    const { value } = await agent.ok('history_search', { session, text: 'echo' });
    expect(value.commands).toMatchObject([{ command: 'echo whole', submitter: 'fixer' }]);
  });

  test('what the agent does is the session’s state for everybody', async () => {
    const session = await newSession();
    const state = () => ann.sessions.find(({ name }) => name === session)?.agentState;
    await run(session, 'false');
    await ann.until(() => state()?.is === 'failed');
    expect(state()?.name).toBe('fixer');
    await run(session, 'true');
    await ann.until(() => state()?.is === 'done');
  });

  test('an agent that just runs in the terminal is known by its notification, its bell and its end', async () => {
    const session = await newSession();
    const script = join(engine.home, 'codex');
    writeFileSync(script, "#!/bin/sh\nprintf '\\033]777;notify;Codex;May I?\\007'; read a; printf '\\007'; read b; exit 3\n", {
      mode: 0o755,
    });
    const state = () => ann.sessions.find(({ name }) => name === session)?.agentState;
    const seen = ann.attach(session);
    await seen.type(`${script}\r`);
    await ann.until(() => state()?.is === 'waiting-input');
    expect(state()).toMatchObject({ name: 'codex', message: 'Codex: May I?' });
    await seen.type('yes\r');
    await ann.until(() => state()?.is === 'working');
    await ann.until(() => state()?.is === 'waiting-input'); // it rang
    await seen.type('go\r');
    await ann.until(() => state()?.is === 'failed');
  });

  test('who made a line: an agent, by its name', async () => {
    const session = await newSession();
    await run(session, 'echo traced');
    const { command } = await ann.client.request('history.at', { session, at: { text: 'traced' } });
    expect(command?.submitter).toMatchObject({ name: 'fixer', kind: 'agent', interface: 'mcp' });
  });
});

describe('the session that an agent runs in', () => {
  test('is not its to drive; it may look, and its owner may allow it', async () => {
    const { session: own } = await ann.client.request('session.create', { name: 'own', cwd: engine.home });
    const inside = await startAgent(engine.env, { env: { CMDOP_SESSION: own.id }, name: 'inner' });
    expect((await inside.call('run', { session: 'own', command: 'ls' })).error).toMatch(/^own-session: inner runs inside own itself/);
    await inside.ok('screen_read', { session: 'own' });
    expect((await inside.ok('session_attach', { session: 'own' })).value.mayAct).toBe(false);
    await inside.close();
    const allowed = await startAgent(engine.env, { env: { CMDOP_SESSION: own.id }, name: 'inner', flags: ['--allow-own-session'] });
    expect((await allowed.ok('session_attach', { session: 'own' })).value.mayAct).toBe(true);
    await allowed.close();
  });

  test('is found by the process tree where the environment is gone', async () => {
    const { session } = await ann.client.request('session.create', { name: 'tree', cwd: engine.home });
    const call = JSON.stringify({
      jsonrpc: '2.0',
      id: 2,
      method: 'tools/call',
      params: { name: 'run', arguments: { session: 'tree', command: 'ls' } },
    });
    const hello = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'deep', version: '1' } },
    });
    const initialized = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' });
    const answers = join(engine.home, 'answers');
    const script = join(engine.home, 'deep.sh');
    writeFileSync(
      script,
      `unset CMDOP_SESSION\n(echo '${hello}'; echo '${initialized}'; echo '${call}'; sleep 2) | '${nodePath()}' '${CLI}' mcp > '${answers}'\n`,
    );
    const seen = ann.attach(session.id);
    await seen.type(`CMDOP_HOME=${engine.home} CMDOP_NODE=${nodePath()} sh ${script}\r`);
    await ann.until(() => ann.commands.some(({ session: id, endedAt }) => id === session.id && endedAt !== null));
    expect(readFileSync(answers, 'utf8')).toContain('own-session: deep runs inside tree itself');
  });
});
