/** Arguments of programs may hold secrets that no screen shows: who observes learns which program it is, by whatever way. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import type { ListeningPort } from '#protocol/ports.ts';
import type { JournalEvent } from '#protocol/shapes.ts';
import { type Engine, openEngine, type Person } from './engine.ts';
import { byCode, invited, shareSocket } from './guest-clients.ts';

/** Listens on one port, and on another one for each line of input. */
const SERVER = `
  const { createServer } = require('net');
  const listen = () => createServer().listen(0, '127.0.0.1', () => console.log('listens'));
  process.stdin.on('data', listen);
  listen();
`;

let engine: Engine;
let ann: Person;
beforeEach(async () => {
  engine = openEngine();
  await engine.startHost();
  ann = engine.person('ann');
  await shareSocket(ann);
  writeFileSync(join(engine.home, 'server.js'), SERVER);
  // As a package's own start command does it: nobody types the token, and nothing prints it.
  writeFileSync(join(engine.home, 'start.sh'), `exec '${nodePath()}' ./server.js --token=TOPSECRET\n`);
  await ann.client.request('session.create', { name: 'site', command: ['/bin/sh', './start.sh'], cwd: engine.home });
  await ann.attach('site').until('listens');
});
afterEach(() => engine.dispose());

type Watching = { person: Person; ports(): Promise<ListeningPort[]>; signals(): Promise<JournalEvent[]>; heard: string[] };

/** A guest who follows the ports and the journal, and all that they are told of programs. */
async function watching(name: string, role: 'observer' | 'operator'): Promise<Watching> {
  const person = engine.person(name, { connect: byCode(engine, await invited(ann, { session: 'site', name, role })) });
  await person.client.whenConnected();
  return follow(person);
}

async function follow(person: Person): Promise<Watching> {
  const heard: string[] = [];
  person.hearers.push(({ event, params }) => {
    if (event === 'ports.changed' || event === 'journal.event') heard.push(JSON.stringify(params));
  });
  const { ports } = await person.client.request('ports.watch', { session: 'site', isOpen: true });
  heard.push(JSON.stringify(ports));
  await person.client.request('journal.watch', { session: 'site' });
  return {
    person,
    heard,
    ports: async () => (await person.client.request('ports.list', { session: 'site' })).ports,
    signals: async () => (await person.client.request('journal.list', { session: 'site', kinds: ['signal'] })).events,
  };
}

/** One more port, and a signal: everybody who watches hears of both. */
async function somethingHappens(...all: Watching[]): Promise<void> {
  const [port] = (await ann.client.request('ports.list', { session: 'site' })).ports;
  await ann.attach('site').type('more\r');
  await ann.client.request('processes.signal', { session: 'site', pid: port?.pid ?? 0, signal: 'SIGCONT' });
  for (const { person, heard } of all)
    await person.until(() => ['"ports":', 'SIGCONT'].every((word) => heard.some((each) => each.includes(word))));
}

test('a guest who observes learns which program listens or is signalled, and none of its arguments', async () => {
  const [cleo, dora] = [await watching('cleo', 'observer'), await watching('dora', 'operator')];
  await somethingHappens(cleo, dora);
  const told = async (who: Watching) => ({
    ports: (await who.ports()).map(({ command }) => command),
    signals: (await who.signals()).map(({ payload }) => payload.command),
  });
  const whole = expect.stringMatching(/node \.\/server\.js --token=TOPSECRET$/);
  expect(await told(dora)).toEqual({ ports: [whole, whole], signals: [whole] });
  expect(dora.heard.filter((each) => each.includes('TOPSECRET')).length).toBeGreaterThanOrEqual(3);
  expect(await told(cleo)).toEqual({ ports: ['node', 'node'], signals: ['node'] });
  expect(cleo.heard.filter((each) => each.includes('TOPSECRET'))).toEqual([]);

  await ann.client.request('role.set', { session: 'site', actor: 'cleo', role: 'operator' });
  expect(await told(cleo)).toEqual({ ports: [whole, whole], signals: [whole] });
});

test('the same of somebody on this account who was made an observer while they watch', async () => {
  const eve = engine.person('eve');
  await eve.attach('site').until('listens');
  const watch = await follow(eve);
  await ann.client.request('role.set', { session: 'site', actor: 'eve', role: 'observer' });
  watch.heard.length = 0;
  await somethingHappens(watch);
  expect(watch.heard.filter((each) => each.includes('TOPSECRET'))).toEqual([]);
  expect((await watch.ports()).map(({ command }) => command)).toEqual(['node', 'node']);
  expect((await watch.signals()).map(({ payload }) => payload.command)).toEqual(['node']);
});
