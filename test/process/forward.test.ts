/** Ports of a session's programs, opened here: real servers in real sessions, real sockets, through a real host. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { type Engine, openEngine, type Person } from './engine.ts';
import { closeOf, fetchBody, forward, readAll, serve, serverCommand, socketTo, startOther } from './port-world.ts';

const MIB = 1024 * 1024;

/** Two programs can have a port at two addresses, which only Linux tells apart here. */
const onLinux = test.runIf(process.platform === 'linux');
const hasIpv6 = Object.values(networkInterfaces()).some((found) => found?.some(({ address }) => address === '::1'));

let engine: Engine;
let ann: Person;
const others: Server[] = [];
beforeEach(async () => {
  engine = openEngine();
  expect(await engine.startHost()).toBe('ready');
  ann = engine.person('ann');
});
afterEach(async () => {
  for (const other of others.splice(0)) other.close();
  await engine.dispose();
});

test('a page of a server in the session is fetched through the same port or another, byte by byte', async () => {
  const body = `response.end(request.url === '/big' ? Buffer.alloc(${8 * MIB}, 'cmdop') : 'hello ' + request.url)`;
  const { port, url, command, pid } = await serve(ann, 'web', serverCommand('http', body));
  expect(url).toBe(`http://localhost:${port}/hello`);
  expect(command).toContain('http.createServer');
  expect(pid).toBeGreaterThan(1);
  const opened = await forward(ann, { session: 'web', port });
  expect(opened.localPort).not.toBe(port); // the server has it on this machine
  expect(opened.address).toBe(`127.0.0.1:${opened.localPort}`);
  expect((await fetchBody(opened.localPort, '/a')).toString()).toBe('hello /a');
  expect((await fetchBody(opened.localPort, '/big')).equals(Buffer.alloc(8 * MIB, 'cmdop'))).toBe(true);
  expect(opened.counts.received).toBeGreaterThan(8 * MIB);
  opened.close();
  await expect(fetchBody(opened.localPort)).rejects.toThrow(/ECONNREFUSED/);
});

test('a side that has said all still hears the answer: half-closed both ways', async () => {
  // Answers with the hash of everything only once the client has ended.
  const body = `const hash = crypto.createHash('sha256'); socket.on('data', (b) => hash.update(b)); socket.on('end', () => socket.end(hash.digest('hex')))`;
  const { port } = await serve(ann, 'hash', serverCommand('net', body));
  const { localPort } = await forward(ann, { session: 'hash', port });
  const socket = await socketTo(localPort);
  const said = randomBytes(5 * MIB);
  const heard = readAll(socket);
  socket.end(said);
  expect((await heard).toString()).toBe(createHash('sha256').update(said).digest('hex'));
});

test('200 connections at once each get their own bytes', async () => {
  const { port } = await serve(ann, 'echo', serverCommand('net', 'socket.pipe(socket)'));
  const { localPort, counts } = await forward(ann, { session: 'echo', port });
  expect(counts.connections).toBe(0);
  const same = await Promise.all(
    Array.from({ length: 200 }, async (_, n) => {
      const socket = await socketTo(localPort);
      const said = Buffer.alloc(20_000, `${n} `);
      const heard = readAll(socket);
      socket.end(said);
      return (await heard).equals(said);
    }),
  );
  expect(same.filter(Boolean)).toHaveLength(200);
});

test('a reader that stops holds up its own connection, and neither a terminal nor another one', async () => {
  const flood = `const piece = Buffer.alloc(65536, 1); const go = () => { while (socket.write(piece)); }; socket.on('drain', go); go();`;
  const { port } = await serve(ann, 'flood', serverCommand('net', flood));
  const opened = await forward(ann, { session: 'flood', port });
  const stopped = await socketTo(opened.localPort);
  stopped.pause();
  const quick = await socketTo(opened.localPort);
  let got = 0;
  quick.on('data', (bytes: Buffer) => {
    got += bytes.length;
  });
  await ann.client.request('session.create', { name: 'cat', command: ['/bin/sh', '-c', 'stty raw -echo; echo ready; exec cat'], cwd: '/' });
  const cat = ann.attach('cat');
  await cat.until('ready');
  const tookMs: number[] = [];
  for (let n = 0; n < 30; n++) {
    const from = performance.now();
    await cat.type(`<${n}>\r\n`);
    await cat.until(`<${n}>`);
    tookMs.push(performance.now() - from);
  }
  while (got < 30 * MIB) await once(quick, 'data');
  tookMs.sort((a, b) => a - b);
  // Beside two floods on two busy cores: what would hold it up is a queue of megabytes, seconds long.
  expect(tookMs[15]).toBeLessThan(250);
  stopped.destroy();
  quick.destroy();
});

test('a server that cuts a connection in the middle cuts it here, and the next one works', async () => {
  let body = `socket.write(Buffer.alloc(300000, 7), () => socket.resetAndDestroy())`;
  body = `if (global.second) { socket.end('whole'); return; } global.second = true; ${body}`;
  const { port } = await serve(ann, 'cutting', serverCommand('net', body));
  const { localPort } = await forward(ann, { session: 'cutting', port });
  await expect(readAll(await socketTo(localPort))).rejects.toThrow(/ECONNRESET/);
  const next = await socketTo(localPort);
  const heard = readAll(next);
  next.end();
  expect((await heard).toString()).toBe('whole');
});

test('the host is killed in the middle: what ran is cut, and the forward works again with the next host', async () => {
  const { port } = await serve(ann, 'echo', serverCommand('net', 'socket.pipe(socket)'));
  const { localPort } = await forward(ann, { session: 'echo', port });
  const cut = await socketTo(localPort);
  const closed = closeOf(cut);
  cut.write('x');
  await once(cut, 'data');
  await engine.killHost();
  await closed;
  await engine.startHost();
  await ann.until(() => ann.client.state.is === 'connected');
  const socket = await socketTo(localPort);
  const heard = readAll(socket);
  socket.end('again');
  expect((await heard).toString()).toBe('again');
});

test('a forward ends with its session, which says why', async () => {
  const { port } = await serve(ann, 'brief', serverCommand('net', 'socket.pipe(socket)'));
  const { promise: why, resolve } = Promise.withResolvers<string>();
  const opened = await forward(ann, { session: 'brief', port, ended: ({ message }) => resolve(message) });
  const socket = await socketTo(opened.localPort);
  const closed = closeOf(socket);
  await ann.client.request('session.kill', { session: 'brief', signal: 'SIGKILL' });
  await closed;
  await expect(socketTo(opened.localPort).then(readAll)).rejects.toThrow();
  expect(await why).toBe('brief has ended, and nothing of it listens any more');
});

test('only ports of the session are forwarded, unless its owner asks for any; nothing but loopback is opened', async () => {
  const { port } = await serve(ann, 'one', serverCommand('net', "socket.end('one')"));
  await ann.client.request('session.create', { name: 'two', command: ['/bin/cat'], cwd: '/' });
  await expect(forward(ann, { session: 'two', port })).rejects.toThrow(
    `nothing of two listens on port ${port}: start it there, or ask for any process's port with --any`,
  );
  const any = await forward(ann, { session: 'two', port, any: true });
  expect((await readAll(await socketTo(any.localPort))).toString()).toBe('one');
  await expect(forward(ann, { session: 'one', port, address: '0.0.0.0' })).rejects.toThrow('0.0.0.0 is not of this machine alone');
  await expect(forward(ann, { session: 'one', port, localPort: port })).rejects.toThrow(`port ${port} here cannot be opened: it is in use`);
});

onLinux('a server on IPv6 alone is reached, and not the program that has its port on IPv4', async ({ skip }) => {
  if (!hasIpv6) skip('this machine has no ::1');
  const { port, addresses } = await serve(ann, 'six', serverCommand('net', "socket.end('six')", { host: '::', ipv6Only: true }));
  expect(addresses).toEqual(['::']);
  others.push(await startOther({ port, host: '127.0.0.1' }));
  const { localPort } = await forward(ann, { session: 'six', port });
  expect((await readAll(await socketTo(localPort))).toString()).toBe('six');
});

onLinux('where another program would answer nothing is forwarded, until it is gone; nor once it came back', async () => {
  const { port } = await serve(ann, 'wide', serverCommand('net', "socket.end('wide')", { host: '0.0.0.0', reusePort: true }));
  const at = { port, host: '127.0.0.1', reusePort: true };
  const other = await startOther(at);
  const sentence = `another program listens on port ${port} too, and would answer instead of wide: end that one, or let wide listen on another port`;
  await expect(forward(ann, { session: 'wide', port })).rejects.toThrow(sentence);
  await new Promise((closed) => other.close(closed));
  const { localPort } = await forward(ann, { session: 'wide', port });
  expect((await readAll(await socketTo(localPort))).toString()).toBe('wide');
  others.push(await startOther(at));
  await expect(socketTo(localPort).then(readAll)).rejects.toThrow(/ECONNRESET/);
});

onLinux('a port that another program has taken since is not reached through the forward, until it is the session’s again', async () => {
  await ann.client.request('session.create', { name: 'shell', cwd: '/' });
  const shell = ann.attach('shell');
  const source = `const server = require('net').createServer((socket) => { socket.resume().end('own'); server.close(); });
    server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log(process.argv[3] + '-' + server.address().port + '.'));`;
  writeFileSync(join(engine.home, 'once.cjs'), source);
  await shell.until(/[$#] /);
  shell.type(`${nodePath()} ~/once.cjs 0 first\r`);
  await shell.until(/first-\d+\./);
  const port = Number(/first-(\d+)\./.exec(shell.text())?.[1]);
  const { localPort } = await forward(ann, { session: 'shell', port });
  const first = await socketTo(localPort);
  expect((await readAll(first)).toString()).toBe('own');
  first.end(); // whereupon the program ends
  let other: Server | null = null;
  while (!other) other = await startOther({ port, host: '127.0.0.1' }).catch(() => null); // until the first has closed
  others.push(other);
  await expect(socketTo(localPort).then(readAll)).rejects.toThrow(/ECONNRESET/);
  const closing = other;
  await new Promise((closed) => closing.close(closed));
  shell.type(`${nodePath()} ~/once.cjs ${port} second\r`);
  await shell.until(`second-${port}.`);
  expect((await readAll(await socketTo(localPort))).toString()).toBe('own');
});

test('an observer forwards nothing, and who becomes one loses what is open at once', async () => {
  const { port } = await serve(ann, 'echo', serverCommand('net', 'socket.pipe(socket)'));
  const bob = engine.person('bob');
  await bob.client.whenConnected();
  const { promise: why, resolve } = Promise.withResolvers<string>();
  const opened = await forward(bob, { session: 'echo', port, ended: ({ message }) => resolve(message) });
  const socket = await socketTo(opened.localPort);
  const closed = closeOf(socket);
  socket.write('x');
  await once(socket, 'data');
  await ann.client.request('role.set', { session: 'echo', actor: 'bob', role: 'observer' });
  await closed;
  await expect(socketTo(opened.localPort).then(readAll)).rejects.toThrow();
  expect(await why).toMatch(/bob is an observer of echo/);
  await expect(forward(bob, { session: 'echo', port })).rejects.toThrow(/observer/);
  const { events } = await ann.client.request('journal.list', { session: 'echo', kinds: ['forward'] });
  expect(events.map(({ actorName, payload }) => [actorName, payload.is])).toEqual([
    ['bob', 'opened'],
    ['bob', 'closed'],
  ]);
});

test('an agent forwards what the policy allows', async () => {
  engine.policy('{ "default": { "agents": "deny" }, "rules": [{ "do": "allow", "kind": ["action"], "command": "join" }] }');
  const { port } = await serve(ann, 'echo', serverCommand('net', 'socket.pipe(socket)'));
  const bot = engine.person('bot', { kind: 'agent' });
  await expect(forward(bot, { session: 'echo', port })).rejects.toThrow(new RegExp(`bot may not forward ${port} echo`));
});

test('who watches is told when something begins to listen, and when it stops', async () => {
  await ann.client.request('session.create', { name: 'shell', cwd: '/' });
  const shell = ann.attach('shell');
  await shell.until(/[$#] /);
  const told: number[][] = [];
  ann.hearers.push((event) => {
    if (event.event === 'ports.changed') told.push(event.params.ports.map(({ port }) => port));
  });
  expect((await ann.client.request('ports.watch', { session: 'shell' })).ports).toEqual([]);
  const [node, , source = ''] = serverCommand('net', '');
  writeFileSync(join(engine.home, 'server.cjs'), source);
  shell.type(`${node} ~/server.cjs\r`);
  await ann.until(() => told.length > 0);
  expect(told[0]).toHaveLength(1);
  shell.type('\x03');
  await ann.until(() => told.at(-1)?.length === 0);
});
