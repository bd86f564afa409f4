/** What an agent can do over MCP, and what it cannot: the official client against `cmdop mcp`, beside people at the same host. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
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

describe('a command', () => {
  test('gives its output, exit code, folder and place, and the shell keeps its state', async () => {
    const session = await newSession();
    await run(session, 'cd /tmp && X=7');
    const { value, text } = await run(session, 'echo "x is $X"; sh -c "exit 3"');
    expect(value).toMatchObject({ state: 'done', exitCode: 3, folder: '/tmp', untrustedOutput: 'x is 7\n', omittedBytes: 0 });
    expect(text).toContain('Exit code 3');
    const { value: piece } = await agent.ok('output_read', { session, fromOffset: value.fromOffset });
    expect(String(piece.untrustedOutput)).toMatch(/^x is 7\n/);
  });

  test('that goes on is not stopped at its timeout; what runs is told, and waiting for it works', async () => {
    const session = await newSession();
    const { value } = await run(session, 'read -r line; echo "got $line"', { timeoutSeconds: 0.3 });
    expect(value.state).toBe('running');
    const { fromOffset } = (await agent.ok('send_keys', { session, text: 'it', keys: ['Enter'] })).value;
    const waited = await agent.ok('wait_for', { session, prompt: true, fromOffset });
    expect(waited.value).toMatchObject({ met: true, running: null });
    const { value: found } = await agent.ok('output_search', { session, text: '^got [a-z]+$', regex: true });
    expect(found).toMatchObject({ mayBeMore: false, hits: [{ line: 'got it', submitter: 'fixer', offset: expect.any(Number) }] });
    const { value: history } = await agent.ok('history_search', { session, text: 'read -r' });
    expect(history.commands).toMatchObject([{ exitCode: 0, submitter: 'fixer' }]);
  });

  test('of much output gives the end of it, and says where the rest is', async () => {
    const session = await newSession();
    const { value } = await run(session, 'seq 1 5000', { maxOutputBytes: 1000 });
    expect(String(value.untrustedOutput)).toMatch(/\n5000\n$/);
    const { value: rest } = await agent.ok('output_read', { session, fromOffset: value.fromOffset, maxBytes: 1000 });
    expect(String(rest.untrustedOutput)).toMatch(/^1\n2\n3\n/);
    expect(String(rest.untrustedOutput).endsWith('\n')).toBe(true);
    const { value: next } = await agent.ok('output_read', { session, fromOffset: rest.nextOffset, maxBytes: 1000 });
    expect(Number.parseInt(String(next.untrustedOutput), 10)).toBe(String(rest.untrustedOutput).trimEnd().split('\n').length + 1);
  });

  test('of several lines runs as one', async () => {
    const session = await newSession();
    const { value } = await run(session, 'for i in 1 2; do\n  echo "n$i"\ndone');
    expect(value).toMatchObject({ exitCode: 0, untrustedOutput: 'n1\nn2\n' });
  });

  test('is refused while another one runs, with what to do', async () => {
    const session = await newSession();
    await run(session, 'sleep 60', { timeoutSeconds: 0.2 });
    const { error } = await agent.call('run', { session, command: 'ls' });
    expect(error).toMatch(/^busy: s\d+ runs `sleep 60`: .*interrupt/);
    const { value } = await agent.ok('interrupt', { session });
    expect((await agent.ok('wait_for', { session, prompt: true, fromOffset: value.fromOffset })).value.met).toBe(true);
  });

  test('can be given up: the call ends, the command does not', async () => {
    const session = await newSession();
    const giveUp = new AbortController();
    const told: string[] = [];
    const call = agent.call('run', { session, command: 'read -r x' }, { signal: giveUp.signal, progress: (message) => told.push(message) });
    await ann.until(() => ann.sessions.some(({ name, running }) => name === session && running === 'read -r x'));
    giveUp.abort('enough');
    await expect(call).rejects.toThrow('enough');
    expect((await agent.ok('session_inspect', { session })).value.running).toBe('read -r x');
  });

  test('tells how it goes while it runs', async () => {
    const session = await newSession();
    const told: string[] = [];
    await agent.call('run', { session, command: 'echo first; read -t 2.2 x' }, { progress: (message) => told.push(message) });
    expect(told[0]).toMatch(/^`echo first; read -t 2.2 x` runs; output up to offset \d+$/);
  });
});

describe('what a terminal says', () => {
  test('reaches an agent without control sequences, and with everything invisible written out', async () => {
    const session = await newSession();
    const { value, text } = await run(session, String.raw`printf '\033]0;title\007\033[31mred\033[m\n10%%\r20%%\na\u202eb\u200bc\n'`);
    expect(value.untrustedOutput).toBe('red\n20%\na<U+202E>b<U+200B>c\n');
    expect(text).not.toMatch(/[\p{Cf}\r\x1b]/u);
  });

  test('stands between marks that it cannot know', async () => {
    const session = await newSession();
    const mark = async () => /<<<<([0-9a-f]{16})\n/.exec((await run(session, 'echo same')).text)?.[1];
    const [first, second] = [await mark(), await mark()];
    expect(first).not.toBe(second);
    expect(first).toBeDefined();
  });

  test('is read from the screen of a full-screen program, cheaply while nothing changes', async () => {
    const session = await newSession();
    await agent.ok('send_keys', { session, text: 'vi -u NONE', keys: ['Enter'] });
    await agent.ok('wait_for', { session, regex: '^~$' });
    await agent.ok('send_keys', { session, text: 'ihello', keys: ['Escape'] });
    await agent.ok('wait_for', { session, text: 'hello' });
    const { value } = await agent.ok('screen_read', { session });
    expect(value).toMatchObject({ unchanged: false, fullScreenProgram: true, size: { columns: 80, rows: 24 } });
    expect((value.untrustedLines as string[])[0]).toBe('hello');
    expect((await agent.ok('screen_read', { session, knownHash: value.hash })).value).toMatchObject({
      unchanged: true,
      untrustedLines: [],
    });
    await agent.ok('send_keys', { session, text: ':q!', keys: ['Enter'] });
    expect((await agent.ok('wait_for', { session, prompt: true })).value.met).toBe(true);
  });
});

describe('waiting', () => {
  test('for a text, from an offset on, is not met by what stood there before', async () => {
    const session = await newSession();
    const { value } = await run(session, 'echo ready');
    expect((await agent.ok('wait_for', { session, text: 'ready' })).value.met).toBe(true);
    const later = await agent.ok('wait_for', { session, text: 'ready', fromOffset: value.toOffset, timeoutSeconds: 0.2 });
    expect(later.value).toMatchObject({ met: false, state: 'timeout' });
    expect(later.text).toContain('nothing runs');
  });

  test('for idle, exit and a port ends when it is so', async () => {
    const session = await newSession();
    expect((await agent.ok('wait_for', { session, idleSeconds: 0.3 })).value.met).toBe(true);
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((listening) => server.once('listening', listening));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    expect((await agent.ok('wait_for', { session, port })).value.met).toBe(true);
    await new Promise((closed) => server.close(closed));
    expect((await agent.ok('wait_for', { session, port, timeoutSeconds: 0.5 })).value.met).toBe(false);
    const exit = agent.ok('wait_for', { session, exit: true });
    await agent.ok('send_keys', { session, text: 'exit', keys: ['Enter'] });
    expect((await exit).value.met).toBe(true);
  });

  test('with an expression that would stall others takes no time', async () => {
    const session = await newSession();
    await run(session, `echo ${'a'.repeat(60)}b`);
    const from = performance.now();
    const { value } = await agent.ok('wait_for', { session, regex: '(a+)+$', timeoutSeconds: 0.2 });
    expect(value.met).toBe(false);
    expect(performance.now() - from).toBeLessThan(3000);
    expect((await agent.call('wait_for', { session, regex: '(?=a)' })).error).toMatch(/no regular expression of RE2/);
    expect((await agent.call('wait_for', { session, regex: 'a', text: 'b' })).error).toMatch(/give exactly one of .*; got text and regex/);
  });
});

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
