/** What does not fit a frame costs whoever asked for it a sentence, and the host and everybody else nothing. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { encodeMessage, MAGIC } from '#protocol/frames.ts';
import type { ListeningPort } from '#protocol/ports.ts';
import { type Engine, openEngine, type Person } from './engine.ts';
import { calmPerson, hello, strangerAt } from './stranger.ts';

let engine: Engine;
let ann: Person;
let expectCalm: () => Promise<void>;
const stranger = () => strangerAt(engine.home);

beforeAll(async () => {
  engine = openEngine();
  await engine.startHost();
  ({ ann, expectCalm } = await calmPerson(engine));
});
afterAll(() => engine.dispose());

/** Fills a frame of 1 MiB but for what is around it. */
const ALMOST_A_FRAME = 1024 * 1024 - 64;

test.each([
  ['a method of a megabyte', { method: 'A'.repeat(ALMOST_A_FRAME), params: {} }, 'unknown-method'],
  [
    'a variable whose name is a megabyte',
    { method: 'session.create', params: { env: { ['k'.repeat(ALMOST_A_FRAME)]: 1 } } },
    'bad-request',
  ],
  ['a session of a megabyte', { method: 'session.screen', params: { session: 'é'.repeat(ALMOST_A_FRAME / 2) } }, null],
])('%s is refused in a sentence of a few thousand characters', async (_what, request, code) => {
  const { socket, next } = stranger();
  socket.write(Buffer.concat([MAGIC, hello(), encodeMessage({ id: 2, ...request })]));
  const { error } = (await next(({ id }) => id === 2)) as { error: { code: string; message: string } };
  if (code) expect(error.code).toBe(code);
  expect(error.message.length).toBeLessThan(5000);
  socket.destroy();
  await expectCalm();
});

test('of many sessions a refusal names the last ones, and how many there are more', async () => {
  const made = await Promise.all(
    Array.from({ length: 24 }, (_, at) =>
      ann.client.request('session.create', { name: `${'n'.repeat(50)}-${at}`, command: ['/bin/cat'], cwd: '/' }),
    ),
  );
  await expect(ann.client.request('session.screen', { session: 'nope' })).rejects.toMatchObject({
    code: 'session-not-found',
    message: expect.stringMatching(/^there is no session nope; there are .* and 5 more$/),
  });
  await Promise.all(made.map(({ session }) => ann.client.request('session.kill', { session: session.id, signal: 'SIGKILL' })));
});

test('a session of a megabyte of arguments runs with all of them, and is told of with its first ones', async () => {
  const words = Array.from({ length: 8 }, () => 'w'.repeat(120_000));
  const command = ['/bin/sh', '-c', 'echo "$# words, $(printf %s "$*" | wc -c) bytes"; exec cat', 'sh', ...words];
  await ann.client.request('journal.watch', {});
  const told: number[] = [];
  ann.hearers.push((event) => event.event === 'journal.event' && told.push(JSON.stringify(event.params.event).length));
  await ann.client.request('session.create', { name: 'wordy', command, cwd: '/' });
  const view = ann.attach('wordy');
  await view.until('8 words, 960007 bytes');
  await ann.until(() => ann.sessions.some(({ name }) => name === 'wordy'));
  const isShort = (shown: readonly string[] | undefined) =>
    shown?.[0] === '/bin/sh' && shown.at(-1) === '…' && shown.join('').length < 2000;
  expect(isShort(ann.sessions.find(({ name }) => name === 'wordy')?.command)).toBe(true);
  const { sessions } = await ann.client.request('session.list', {});
  expect(isShort(sessions.find(({ name }) => name === 'wordy')?.command)).toBe(true);
  const { events } = await ann.client.request('journal.list', { session: 'wordy', kinds: ['session'] });
  expect(isShort(events[0]?.payload.command as string[])).toBe(true);
  await ann.until(() => told.length > 0);
  expect(Math.max(...told)).toBeLessThan(70_000);
  const { processes } = await ann.client.request('processes.list', { session: 'wordy' });
  expect(processes[0]?.command).toBe('cat');
  await expectCalm();
});

test('a session of as many arguments as a request can bring, where many have typed, is found by the next host', {
  timeout: 30_000,
}, async () => {
  const words = Array.from({ length: 8 }, () => 'w'.repeat(131_000));
  const command = ['/bin/sh', '-c', 'echo "$# words"; exec cat', 'sh', ...words];
  await ann.client.request('session.create', { name: 'wordiest', command, cwd: '/', controlMode: 'open' });
  const view = ann.attach('wordiest');
  await view.until('8 words');
  for (let n = 0; n < 30; n++) expect(await engine.person(`p${n}`).attach('wordiest').type('.')).toMatchObject({ verdict: 'applied' });
  await engine.killHost();
  await engine.startHost();
  await view.until(() => view.stream.isAttached);
  expect((await ann.client.request('session.inspect', { session: 'wordiest' })).session.state).toBe('running');
  await view.type('still here\r');
  await view.until(/still here\s+\.*still here/);
  await ann.client.request('session.kill', { session: 'wordiest', signal: 'SIGKILL' });
});

test('ports of a program whose arguments are control characters are told, and so is the program', async () => {
  const SOURCE = `const net = require('net');
    process.stdin.once('data', () => { for (let at = 0; at < 256; at++) net.createServer().listen(0, '127.0.0.1'); });
    console.log('ready');`;
  const command = [nodePath(), '-e', 'eval(process.env.SOURCE)', '\x01'.repeat(2000)];
  await ann.client.request('session.create', { name: 'many-ports', command, env: { SOURCE }, cwd: '/' });
  const view = ann.attach('many-ports');
  await view.until('ready');
  await ann.client.request('ports.watch', { session: 'many-ports', isOpen: true });
  const told = new Promise<ListeningPort[]>((resolve) =>
    ann.hearers.push(({ event, params }) => event === 'ports.changed' && params.ports.length === 256 && resolve(params.ports)),
  );
  await view.type('\r');
  for (const { command: shown } of await told) expect(shown).toContain('eval(process.env.SOURCE) ‹^A›‹^A›');
  await expectCalm();
});
