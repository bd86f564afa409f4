/** `cmdop mcp --http`: who gets in, and that clients of both eras of MCP work beside each other. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { type Engine, openEngine } from './engine.ts';
import { agentOver, CLI, startAgent } from './mcp-client.ts';

let engine: Engine;
let server: ChildProcess;
let url: URL;
let tokenFile: string;
let token: string;

beforeAll(async () => {
  engine = openEngine();
  engine.policy();
  await engine.startHost();
  const child = spawn(nodePath(), [CLI, 'mcp', '--http'], { env: engine.env, stdio: ['ignore', 'pipe', 'inherit'] });
  server = child;
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const where = JSON.parse(said.toString()) as { url: string; tokenFile: string };
  url = new URL(where.url);
  tokenFile = where.tokenFile;
  token = readFileSync(tokenFile, 'utf8').trim();
});
afterAll(async () => {
  server?.kill();
  await engine.dispose();
});

function post(headers: Record<string, string>): Promise<number> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
  return new Promise((resolve, reject) => {
    const asked = request(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...headers },
    });
    asked.once('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.once('error', reject);
    asked.end(body);
  });
}

test('only this machine, only with the token, and no web page', async () => {
  expect(url.hostname).toBe('127.0.0.1');
  expect(statSync(tokenFile).mode & 0o777).toBe(0o600);
  expect(await post({})).toBe(401);
  expect(await post({ Authorization: 'Bearer wrong' })).toBe(401);
  expect(await post({ Authorization: `Bearer ${token}`, Host: 'evil.example' })).toBe(403);
  expect(await post({ Authorization: `Bearer ${token}`, Origin: 'https://evil.example' })).toBe(403);
  expect(await post({ Authorization: `Bearer ${token}` })).toBe(400);
});

test('two clients are two agents, whichever revision they speak, and one session is theirs', async () => {
  const over = (era: 'legacy' | 'modern', name: string) =>
    agentOver(new StreamableHTTPClientTransport(url, { requestInit: { headers: { Authorization: `Bearer ${token}` } } }), { name, era });
  const [old, modern] = [await over('legacy', 'old'), await over('modern', 'new')];
  await old.ok('session_create', { name: 'shared' });
  expect((await old.ok('run', { session: 'shared', command: 'echo from-old' })).value.exitCode).toBe(0);
  expect((await modern.ok('run', { session: 'shared', command: 'echo from-new' })).value.untrustedOutput).toBe('from-new\n');
  const { commands } = (await modern.ok('history_search', { session: 'shared' })).value as { commands: { submitter: string }[] };
  expect(commands.map(({ submitter }) => submitter)).toEqual(['old', 'new']);
  await old.close();
  await modern.close();
});

/** An MCP client of a few lines; given a session of MCP, it goes on with that one. */
const INNER = `
  const [url, token, known] = process.argv.slice(2);
  let id = known;
  const ask = async (message) => {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', authorization: 'Bearer ' + token };
    const answer = await fetch(url, { method: 'POST', headers: { ...headers, ...(id ? { 'mcp-session-id': id } : {}) }, body: JSON.stringify({ jsonrpc: '2.0', ...message }) });
    id ??= answer.headers.get('mcp-session-id');
    return answer.status + ' ' + (await answer.text());
  };
  const call = (name, more) => ask({ id: 2, method: 'tools/call', params: { name, arguments: { session: 'home', ...more } } });
  const said = [];
  if (!known) {
    await ask({ id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'inner', version: '1' } } });
    await ask({ method: 'notifications/initialized' });
    said.push(await call('screen_read', {}));
  }
  said.push(await call('run', { command: 'ls' }));
  require('node:fs').writeFileSync(__filename + '.said', said.join('\\n'));
`;

test('an agent that runs in a session and speaks HTTP does not drive it either; who runs elsewhere may', { timeout: 20_000 }, async () => {
  const ann = engine.person('ann');
  const { session } = await ann.client.request('session.create', { name: 'home', cwd: engine.home });
  const seen = ann.attach('home');
  const script = join(engine.home, 'inner.cjs');
  writeFileSync(script, `(async () => {${INNER}})();`);
  const fromInside = async (known: string) => {
    const ran = () => ann.commands.filter(({ session: id, endedAt }) => id === session.id && endedAt !== null).length;
    const before = ran();
    // Not by its own environment: that of the shell above it counts as well.
    await seen.type(`env -i '${nodePath()}' '${script}' ${url.href} ${token} ${known}\r`);
    await ann.until(() => ran() > before);
    return readFileSync(`${script}.said`, 'utf8');
  };
  const said = await fromInside('');
  expect(said).toContain('untrustedLines');
  expect(said).toContain('own-session: inner runs inside home itself');

  const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers: { Authorization: `Bearer ${token}` } } });
  const outer = await agentOver(transport, { name: 'outer', era: 'legacy' });
  expect((await outer.ok('session_attach', { session: 'home' })).value.mayAct).toBe(true);
  expect(await fromInside(transport.sessionId ?? '')).toMatch(/^403 .*begun outside of the terminal session that you run in/);
  await outer.close();
});

test('who listens over the newest revision is told what changes, as long as it listens, and of nothing that it may not read', async () => {
  const agents = [
    await startAgent(engine.env, { name: 'listener', era: 'modern' }),
    await agentOver(new StreamableHTTPClientTransport(url, { requestInit: { headers: { Authorization: `Bearer ${token}` } } }), {
      name: 'listener',
      era: 'modern',
    }),
  ];
  for (const [at, agent] of agents.entries()) {
    const name = `heard-${at}`;
    let lists = 0;
    agent.client.setNotificationHandler('notifications/resources/list_changed', () => {
      lists++;
    });
    const list = await agent.client.listen({ resourcesListChanged: true });
    await agent.ok('session_create', { name });
    await expect.poll(() => lists).toBeGreaterThan(0);
    await list.close();
    const uris = ['screen', 'journal', 'commands'].map((part) => `cmdop://local/${name}/${part}`);
    const listening = await agent.client.listen({ resourceSubscriptions: uris });
    await agent.ok('run', { session: name, command: 'echo news' });
    for (const uri of uris) await agent.untilUpdated(uri);
    await listening.close();
    await agent.ok('run', { session: name, command: 'true' }); // whatever was under way has come
    agent.updates.length = 0;
    await agent.ok('run', { session: name, command: 'echo more' });
    await agent.ok('wait_for', { session: name, idleSeconds: 0.7, timeoutSeconds: 10 });
    expect(agent.updates).toEqual([]);
    await expect(agent.client.listen({ resourceSubscriptions: ['cmdop://local/nowhere/screen'] })).rejects.toThrow(/nowhere/);
    await expect(agent.client.listen({ resourceSubscriptions: ['https://example.org/'] })).rejects.toThrow(/is no resource of cmdop/);
    await agent.close();
  }
});

test('a client of the newest revision is served on standard input as well', async () => {
  const modern = await startAgent(engine.env, { name: 'newest', era: 'modern' });
  expect((await modern.ok('sessions_list', {})).value.you).toBe('newest');
  await modern.close();
});

test('with -H the sessions are those of the other host, by its name', { timeout: 20_000 }, async () => {
  const far = engine;
  const near = openEngine();
  const bridge = ['/usr/bin/env', ...Object.entries(far.env).map(([name, value]) => `${name}=${value}`), nodePath(), CLI, 'bridge'];
  mkdirSync(join(near.home, 'config'), { recursive: true });
  writeFileSync(join(near.home, 'config', 'hosts.json'), JSON.stringify({ hosts: { far: { command: bridge } } }));
  const child = spawn(nodePath(), [CLI, '-H', 'far', 'mcp', '--http'], { env: near.env, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    const where = JSON.parse(said.toString()) as { url: string; tokenFile: string };
    const headers = { Authorization: `Bearer ${readFileSync(where.tokenFile, 'utf8').trim()}` };
    const over = () => new StreamableHTTPClientTransport(new URL(where.url), { requestInit: { headers } });
    const [one, two] = [await agentOver(over(), { name: 'one', era: 'legacy' }), await agentOver(over(), { name: 'two', era: 'legacy' })];
    await one.ok('session_create', { name: 'over-there' });
    const { value } = await two.ok('run', { session: 'cmdop://far/over-there', command: 'echo "$CMDOP_HOME"' });
    expect(value.untrustedOutput).toBe(`${far.home}\n`);
    const { sessions } = (await two.ok('sessions_list', {})).value as { sessions: { address: string }[] };
    expect(sessions.map(({ address }) => address)).toContain('cmdop://far/over-there');
    expect((await two.call('screen_read', { session: 'cmdop://local/over-there' })).error).toMatch(/is not on far/);
    const uri = 'cmdop://far/over-there/commands';
    expect((await two.client.listResources()).resources.map((each) => each.uri)).toContain(uri);
    await two.client.subscribeResource({ uri });
    await one.ok('run', { session: 'over-there', command: 'true' });
    await two.untilUpdated(uri);
    await one.close();
    await two.close();
  } finally {
    child.kill();
    await near.dispose();
  }
});
