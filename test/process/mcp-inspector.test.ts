/** The official MCP Inspector's command line drives every tool of `cmdop mcp`: one process a call, as a script would. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { type Engine, openEngine, type Person } from './engine.ts';
import { CLI } from './mcp-client.ts';

const INSPECTOR = resolve('node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js');

let engine: Engine;
let ann: Person;

beforeAll(async () => {
  engine = openEngine();
  engine.policy();
  await engine.startHost();
  ann = engine.person('ann');
});
afterAll(() => engine.dispose());

type Answer = { structuredContent?: Record<string, unknown>; isError?: boolean; tools?: { name: string }[]; resources?: unknown[] };

async function inspect(...args: string[]): Promise<Answer> {
  const server = ['-e', `CMDOP_HOME=${engine.home}`, '-e', `CMDOP_NODE=${nodePath()}`, nodePath(), CLI, 'mcp'];
  const child = spawn(nodePath(), [INSPECTOR, '--cli', ...server, ...args], { env: engine.env, cwd: engine.home });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  await once(child, 'close');
  return JSON.parse(stdout) as Answer;
}

async function call(tool: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
  const given = Object.entries(args).flatMap(([name, value]) => [
    '--tool-arg',
    `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  ]);
  const answer = await inspect('--method', 'tools/call', '--tool-name', tool, ...given);
  expect(answer.isError ?? false, JSON.stringify(answer)).toBe(false);
  return answer.structuredContent ?? {};
}

test('every tool does what it says', async () => {
  const { tools } = await inspect('--method', 'tools/list');
  const names = tools?.map(({ name }) => name).sort();
  const used = new Set<string>();
  const use = (tool: string, args: Record<string, unknown>) => {
    used.add(tool);
    return call(tool, args);
  };
  const session = 'inspected';
  const folder = join(engine.home, 'project');
  mkdirSync(folder);
  writeFileSync(join(folder, 'notes.txt'), 'one\n');
  expect(await use('session_create', { name: session, folder })).toMatchObject({ session, state: 'running' });
  expect(await use('sessions_list', {})).toMatchObject({ you: 'inspector-cli', sessions: [{ session }] });
  expect(await use('session_attach', { session })).toMatchObject({ mayAct: true });
  const ran = await use('run', { session, command: 'echo out; false', reason: 'to see it' });
  expect(ran).toMatchObject({ state: 'done', exitCode: 1, untrustedOutput: 'out\n' });
  expect(await use('output_read', { session, fromOffset: ran.fromOffset, maxBytes: 4096 })).toMatchObject({ gap: null });
  expect(await use('session_inspect', { session })).toMatchObject({ shellIntegration: true, fullScreenProgram: false });
  expect((await use('screen_read', { session })).untrustedLines).toContain('out');
  const typed = await use('send_keys', { session, text: 'sleep 30', keys: ['Enter'] });
  await ann.until(() => ann.sessions.some(({ name, running }) => name === session && running === 'sleep 30'));
  await use('interrupt', { session });
  expect(await use('wait_for', { session, prompt: true, fromOffset: typed.fromOffset })).toMatchObject({ met: true });
  expect(await use('control_request', { session, reason: 'to type' })).toMatchObject({ granted: true });
  expect(await use('control_release', { session })).toEqual({ released: false });
  expect(await use('history_search', { session, failed: true })).toMatchObject({
    commands: [{ command: 'echo out; false' }, { command: 'sleep 30' }],
  });
  const found = await use('output_search', { session, text: 'out', limit: 1 });
  expect(found).toMatchObject({ hits: [{ command: 'echo out; false' }] });
  expect(await use('checkpoint', { session, message: 'before two' })).toMatchObject({ files: 1, leftOut: [] });
  writeFileSync(join(folder, 'notes.txt'), 'two\n');
  expect(await use('checkpoint_diff', { session })).toMatchObject({ to: null, files: [{ path: 'notes.txt', is: 'modified' }] });
  const asked = use('ask_human', { session, question: 'Blue or green?', choices: ['blue', 'green'] });
  await ann.until(() => ann.approvals.some(({ kind, state }) => kind === 'question' && state === 'pending'));
  const question = ann.approvals.find(({ kind }) => kind === 'question');
  await ann.client.request('approval.decide', { id: question?.id ?? 0, decision: 'approve', answer: 'green' });
  expect(await asked).toEqual({ answer: 'green' });
  expect([...used].sort()).toEqual(names);
  expect((await inspect('--method', 'resources/list')).resources).toHaveLength(3);
});
