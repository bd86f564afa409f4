/** What an agent can do over MCP, and what it cannot: the official client against `cmdop mcp`. */
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Person } from './engine.ts';
import { type AgentWorld, agentWorld, type TestAgent } from './mcp-client.ts';

let world: AgentWorld;
let ann: Person;
let agent: TestAgent;
let newSession: AgentWorld['newSession'];

beforeAll(async () => {
  world = await agentWorld();
  ({ ann, agent, newSession } = world);
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
