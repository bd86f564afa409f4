/** `ports`, `forward`, `ps` and `signal`, as people and scripts call them. */
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ListeningPort } from '#protocol/ports.ts';
import type { JournalEvent, ProcessRow } from '#protocol/shapes.ts';
import { fetchBody, serverCommand } from './port-world.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';

let cmdop: TestCmdop;
let port: number;
beforeAll(async () => {
  cmdop = await startCmdop({ actor: 'ann' });
  await cmdop.ok('new', 'web', '--detach', '--', ...serverCommand('http', "response.end('hello ' + request.url)"));
  await cmdop.ok('new', 'shell', '--detach', '--', '/bin/sh', '-c', 'sleep 1000 & sleep 2000 & wait');
  while (port === undefined) port = (await cmdop.json<ListeningPort[]>('ports', 'web'))[0]?.port as number;
});
afterAll(() => cmdop.dispose());

test('ports are listed with their process and the address it printed', async () => {
  const [found] = await cmdop.json<ListeningPort[]>('ports', 'web');
  expect(found).toMatchObject({ port, addresses: ['127.0.0.1'], url: `http://localhost:${port}/hello` });
  expect(await cmdop.ok('ports', 'web')).toMatch(new RegExp(`^ *PORT +ADDRESS +PID +SINCE +URL +PROCESS\n *${port} +127.0.0.1 `));
  expect(await cmdop.run('ports', 'shell')).toEqual({ code: 0, stdout: '', stderr: 'cmdop: nothing of shell listens\n' });
});

test('forward opens ports until Ctrl-C, and shows what runs through them', async () => {
  const terminal = cmdop.terminal(['forward', 'web', String(port)], { cols: 100 });
  await terminal.until(new RegExp(`127.0.0.1:(\\d+) +→ port ${port} of web`));
  const localPort = Number(/127\.0\.0\.1:(\d+)/.exec(terminal.text())?.[1]);
  expect((await fetchBody(localPort, '/a')).toString()).toBe('hello /a');
  await terminal.until(/0 connections · \d+ B received · \d+ B sent · Ctrl-C ends/);
  terminal.type('\x03');
  expect((await terminal.exited).code).toBe(0);
  await expect(fetchBody(localPort)).rejects.toThrow(/ECONNREFUSED/);
});

test('forward for a script: JSON lines, and exit code 1 with why when the session ends', async () => {
  await cmdop.ok('new', 'brief', '--detach', '--', ...serverCommand('http', "response.end('x')"));
  let ports: ListeningPort[] = [];
  while (ports.length === 0) ports = await cmdop.json<ListeningPort[]>('ports', 'brief');
  const there = ports[0]?.port ?? 0;
  const child = cmdop.start('forward', 'brief', String(there), '--json');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const open = JSON.parse(line.toString()) as { address: string; localPort: number };
  expect(open).toMatchObject({ is: 'open', session: 'brief', port: there, address: `127.0.0.1:${open.localPort}` });
  expect((await fetchBody(open.localPort)).toString()).toBe('x');
  const said = once(child.stderr, 'data') as Promise<[Buffer]>;
  const exited = once(child, 'exit');
  await cmdop.ok('kill', 'brief');
  expect((await said)[0].toString()).toBe('cmdop: brief has ended, and nothing of it listens any more\n');
  expect(await exited).toEqual([1, null]);
});

test.each([
  [['forward', 'web', 'three'], 2, /"three" is no port: write 3000, or 3000:8080/],
  [['forward', 'web', '1', '--bind', '0.0.0.0'], 1, /0\.0\.0\.0 is not of this machine alone/],
  [['forward', 'shell', '1'], 1, /nothing of shell listens on port 1: start it there/],
  [['forward', 'nobody', '1'], 4, /nobody/],
  [['signal', 'shell', 'x'], 2, /"x" is no process number/],
  [['signal', 'shell', '1'], 1, /1 is no process of shell, or not any more: look with `cmdop ps shell`/],
  [['signal', 'shell', '1', 'NOPE'], 2, /"NOPE" is no signal/],
])('%j is refused in one line', async (args, code, message) => {
  const outcome = await cmdop.run(...args);
  expect(outcome).toMatchObject({ code, stdout: '' });
  expect(outcome.stderr).toMatch(/^cmdop: [^\n]+\n$/);
  expect(outcome.stderr).toMatch(message);
});

test('processes are a tree, and one of them is signalled in the name of who asked', async () => {
  const before = await cmdop.json<ProcessRow[]>('ps', 'shell');
  expect(before.map(({ command }) => command)).toEqual([expect.stringContaining('sleep 1000 &'), 'sleep 1000', 'sleep 2000']);
  expect(await cmdop.ok('ps', 'shell')).toMatch(/^ *PID +CPU +MEMORY +AGE +CWD +PROCESS\n.*\n.* {4}sleep 1000\n/);
  const meant = before.find(({ command }) => command === 'sleep 1000');
  expect(await cmdop.run('signal', 'shell', String(meant?.pid), 'kill')).toEqual({ code: 0, stdout: '', stderr: '' });
  let after = before;
  while (after.some(({ pid }) => pid === meant?.pid)) after = await cmdop.json<ProcessRow[]>('ps', 'shell');
  expect(after.map(({ command }) => command)).toContain('sleep 2000');
  const events = await cmdop.json<JournalEvent[]>('log', 'shell', '--events');
  expect(events.find(({ kind }) => kind === 'signal')).toMatchObject({
    actorName: 'ann',
    payload: { signal: 'SIGKILL', pid: meant?.pid, command: 'sleep 1000' },
  });
});
