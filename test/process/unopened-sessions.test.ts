/** A program that runs, and a host that cannot open its session: it is listed with why, opened once that works, and left for no other host to find. */
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localPaths } from '#local/paths.ts';
import { nativePath, nodePath } from '#local/runtime.ts';
import { encodeKeeperHello } from '../../main/keeper/wire.ts';
import { type Engine, openEngine, type Person } from './engine.ts';

/** Keepers are told to go wrong by way of the small program, which is there on Linux. */
const keeper = nativePath('keeper');

let engine: Engine;
beforeEach(() => {
  engine = openEngine();
});
afterEach(() => engine.dispose());

const folderOf = (id: string) => join(engine.home, 'state', 'sessions', id);
const named = async ({ client }: Person, wanted: string) => (await client.sessions()).find(({ name }) => name === wanted);
/** The whole list is told anew at each change, so that a test need not ask again and again. */
const untilReached = (person: Person, name: string) =>
  person.until(() => person.sessions.some((each) => each.name === name && each.unreachable === undefined));

/** In the place of a session's folder nothing can be kept of it. */
function blockFolder(id: string): () => void {
  renameSync(folderOf(id), `${folderOf(id)}.aside`);
  writeFileSync(folderOf(id), 'in the way');
  return () => {
    rmSync(folderOf(id));
    renameSync(`${folderOf(id)}.aside`, folderOf(id));
  };
}

test('a new host that cannot open a session that runs lists it, and opens it once it can', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  const { session } = await ann.client.request('session.create', { name: 'work', command: ['/bin/cat'], cwd: '/' });
  const view = ann.attach('work');
  await view.type('before\r');
  await view.until('before\nbefore');
  await engine.killHost();
  const unblock = blockFolder(session.id);
  await engine.startHost();
  await view.until(() => view.waits.length > 0);
  expect(view.waits[0]).toMatch(/^work goes on, but this host cannot open it \(.*\): that is tried again by itself$/);
  expect(await named(ann, 'work')).toMatchObject({ state: 'running', unreachable: 'this host cannot open it' });
  const typed = view.type('after\r');
  unblock();
  expect(await typed).toMatchObject({ verdict: 'applied' });
  await view.until('after\nafter');
  expect(Buffer.concat(view.received.bytes).toString()).toBe('before\r\nbefore\r\nafter\r\nafter\r\n');
});

test('a keeper whose session cannot be opened keeps no link to a host that does not serve it', async () => {
  const paths = localPaths({ ...engine.env });
  mkdirSync(paths.runDir, { recursive: true, mode: 0o700 });
  const id = 's'.repeat(12);
  let [opened, closed] = [0, 0];
  const changed = new Set<() => void>();
  const server: Server = createServer((socket) => {
    opened++;
    const hello = { wire: 1, session: id, keeperPid: process.pid, shellPid: process.pid, start: 0, end: 0, cols: 80, rows: 24 };
    socket.once('data', () => socket.write(encodeKeeperHello({ ...hello, ledger: [], exit: null, meta: {}, note: '' } as never)));
    socket.on('error', () => {}); // `close` follows
    socket.on('close', () => {
      closed++;
      for (const tell of changed) tell();
    });
  });
  await new Promise<void>((listening) => server.listen(paths.keeperSocket(id as never), listening));
  try {
    await engine.startHost();
    const until = (seen: () => boolean) =>
      new Promise<void>((settled) => {
        const look = () => seen() && settled();
        changed.add(look);
        look();
      });
    await until(() => closed >= 2); // it is tried again
    expect(opened - closed).toBeLessThanOrEqual(1); // the one that is tried just now
    const ann = engine.person('ann');
    expect(await named(ann, id)).toMatchObject({ id, state: 'running', unreachable: 'this host cannot open it' });
    const { warnings } = await ann.client.request('host.status', {});
    expect(warnings).toEqual([expect.stringContaining(`${id} goes on, but this host cannot open it (its keeper does not say what it is)`)]);
  } finally {
    server.close();
  }
});

/** A host whose keepers, once they have said `ready`, do what `engine.home`/wrong says before the host hears it. */
async function hostWithFaults(ann: Person): Promise<{ wrong(shell: string): void }> {
  const dist = join(engine.home, 'faulty', 'dist');
  cpSync(resolve('dist'), dist, { recursive: true });
  symlinkSync(resolve('node_modules'), join(engine.home, 'faulty', 'node_modules'));
  const name = (keeper ?? '').slice((keeper ?? '').lastIndexOf('/') + 1);
  renameSync(join(dist, name), join(dist, 'keeper'));
  const wrong = join(engine.home, 'wrong');
  writeFileSync(wrong, '');
  const script = [
    '#!/bin/sh',
    `said=${engine.home}/said.$$`,
    'exec 3<&0',
    '/usr/bin/mkfifo $said',
    `${dist}/keeper "$@" <&3 >$said &`,
    'keeper=$!',
    'read word < $said',
    '/bin/rm $said',
    `. ${wrong}`,
    'echo $word',
  ].join('\n');
  writeFileSync(join(dist, name), `${script}\n`, { mode: 0o755 });
  await ann.client.request('host.handoff', { build: { node: nodePath(), hostBundle: join(dist, 'host.mjs') } });
  await ann.until(() => ann.client.state.is !== 'connected');
  await ann.until(() => ann.client.state.is === 'connected');
  return { wrong: (shell) => writeFileSync(wrong, `${shell}\n`) };
}

test.runIf(keeper)(
  'a session whose keeper falls silent when it is made is there, and whoever made it comes in once it answers',
  async () => {
    await engine.startHost();
    const ann = engine.person('ann');
    const { wrong } = await hostWithFaults(ann);
    wrong(`echo $keeper > ${engine.home}/stopped; kill -STOP $keeper`);
    const { session } = await ann.client.request('session.create', { name: 'work', command: ['/bin/cat'], cwd: '/' });
    const stopped = Number(readFileSync(join(engine.home, 'stopped'), 'utf8'));
    try {
      expect(session).toMatchObject({ name: 'work', state: 'running', unreachable: 'its keeper does not answer' });
      expect((await ann.client.sessions()).map(({ name }) => name)).toEqual(['work']);
      const view = ann.attach('work');
      await view.until(() => view.waits.length > 0);
      process.kill(stopped, 'SIGCONT');
      await view.type('hello\r');
      await view.until('hello\nhello');
    } finally {
      process.kill(stopped, 'SIGCONT');
    }
  },
);

test.runIf(keeper)('a session that cannot be opened when it is made, or made anew, is there with its program', async () => {
  await engine.startHost();
  const ann = engine.person('ann');
  const { wrong } = await hostWithFaults(ann);
  // All of them: there is one.
  const block = `for each in ${folderOf('*')}; do /bin/mv $each ${engine.home}/aside; echo > $each; done`;
  const unblock = (id: string) => {
    rmSync(folderOf(id));
    renameSync(join(engine.home, 'aside'), folderOf(id));
  };
  wrong(block);
  const { session } = await ann.client.request('session.create', { name: 'work', cwd: '/' });
  expect(session).toMatchObject({ name: 'work', unreachable: 'this host cannot open it' });
  expect(await named(ann, 'work')).toMatchObject({ id: session.id, state: 'running', unreachable: 'this host cannot open it' });
  unblock(session.id);
  await untilReached(ann, 'work');
  const view = ann.attach('work');
  await view.until('# ');
  await view.type('exit 3\r');
  await view.until(() => view.end !== null);

  const again = await ann.client.request('session.restart', { session: 'work' });
  expect(again.session).toMatchObject({ id: session.id, state: 'running', unreachable: 'this host cannot open it' });
  await expect(ann.client.request('session.restart', { session: 'work' })).rejects.toMatchObject({ code: 'session-unreachable' });
  unblock(session.id);
  await untilReached(ann, 'work');
  const next = ann.attach('work');
  await next.type('echo still $((1+1))\r');
  await next.until('still 2');
  expect(next.text()).toContain('the old one ended with exit code 3');
});
