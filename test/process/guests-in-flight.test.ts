/** What a guest has open when its time ends: forwarded connections and files on their way end with it, at both ends. */
import { once } from 'node:events';
import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { download, upload } from '#client/files/transfer.ts';
import { nodeHash } from '#local/node-hash.ts';
import { type Engine, openEngine, type Person } from './engine.ts';
import { byCode, type Guest, invited, shareSocket } from './guest-clients.ts';
import { closeOf, forward, readAll, serve, serverCommand, socketTo } from './port-world.ts';

const MIB = 1024 * 1024;
/** At once, for whoever waits for it; milliseconds, on a busy machine. */
const AT_ONCE_MS = 1_000;
/** Says in its terminal when a connection is over; the first byte of each says whether it floods or echoes. */
const SERVER = `
  const piece = Buffer.alloc(65536, 1);
  const go = () => { while (!socket.destroyed && socket.write(piece)); };
  socket.once('data', (bytes) => {
    if (bytes[0] === 102) { socket.on('drain', go); go(); }
    else socket.write(bytes);
  });
  socket.resume();
  socket.on('close', () => console.log('far end closed'));
`;

let engine: Engine;
let work = '';
let ann: Person;
beforeAll(async () => {
  engine = openEngine();
  await engine.startHost();
  ann = engine.person('ann');
  await shareSocket(ann);
  work = join(realpathSync(engine.home), 'work');
  mkdirSync(work);
});
afterAll(() => engine.dispose());

type Ending = {
  expiresInMs?: number;
  /** After everything is open. */
  end(session: string, guest: Guest): Promise<unknown>;
  told: RegExp;
};
const ENDS: Record<string, Ending> = {
  revoked: { end: (_, { invite: { id } }) => ann.client.request('share.revoke', { id }), told: /ann has revoked the invite/ },
  kicked: {
    end: (session) => ann.client.request('session.kick', { session, actor: 'bob' }),
    told: /bob was removed from \S+ by its owner/,
  },
  expired: { expiresInMs: 2_000, end: () => Promise.resolve(), told: /the invite of bob has expired/ },
  'made an observer': {
    end: (session) => ann.client.request('role.set', { session, actor: 'bob', role: 'observer' }),
    told: /bob is an observer of/,
  },
};

async function bobIn(session: string, { expiresInMs }: Ending): Promise<{ bob: Person; guest: Guest }> {
  const guest = await invited(ann, { session, name: 'bob', role: 'operator', ...(expiresInMs === undefined ? {} : { expiresInMs }) });
  const bob = engine.person('bob', { connect: byCode(engine, guest) });
  await bob.client.whenConnected();
  return { bob, guest };
}

/** When the host wrote down that it is over, where it did it by itself; else now. */
async function endOf(session: string, how: string): Promise<number> {
  if (how !== 'expired') return Date.now();
  const find = async () =>
    (await ann.client.request('journal.list', { session, kinds: ['share'] })).events.find(({ payload }) => payload.is === 'expired')?.at;
  await expect.poll(find, { timeout: 5_000, interval: 20 }).toBeDefined();
  return (await find()) ?? 0;
}

type Reading = {
  /** More than a beginning of it is there, and nothing is taken any more. */
  inTheMiddle: Promise<void>;
  goOn: () => void;
  readonly length: number;
  /** How it ended: `all of it`, or why not. */
  copied: Promise<string>;
};

/** A file on its way to somebody who takes 2 MiB of it, and the rest only from `goOn` on. */
function reading(person: Person, { session, path }: { session: string; path: string }): Reading {
  const { promise: inTheMiddle, resolve } = Promise.withResolvers<void>();
  const { promise: over, resolve: goOn } = Promise.withResolvers<void>();
  let length = 0;
  const sink = {
    get length() {
      return length;
    },
    read: async () => new Uint8Array(0),
    restart: async () => {},
    write: async (bytes: Uint8Array) => {
      length += bytes.length;
      if (length <= 2 * MIB) return;
      resolve();
      await over;
    },
  };
  const copied = download({ client: person.client, session, path, sink, newHash: nodeHash }).then(
    () => 'all of it',
    (error: Error) => error.message,
  );
  return {
    inTheMiddle,
    goOn,
    get length() {
      return length;
    },
    copied,
  };
}

describe.each(Object.keys(ENDS))('a guest who is %s', (how) => {
  const ending = ENDS[how] as Ending;
  const name = how.replaceAll(' ', '-');

  test('loses forwarded connections at once, hears why, and the server sees them close', async () => {
    const session = `web-${name}`;
    const { port } = await serve(ann, session, serverCommand('net', SERVER));
    const { bob, guest } = await bobIn(session, ending);
    const { promise: why, resolve } = Promise.withResolvers<string>();
    const opened = await forward(bob, { session, port, ended: ({ message }) => resolve(message) });
    const [flooded, idle] = [await socketTo(opened.localPort), await socketTo(opened.localPort)];
    let got = 0;
    flooded.on('data', (bytes: Buffer) => {
      got += bytes.length;
    });
    flooded.write('f');
    idle.write('e');
    await once(idle, 'data');
    while (got < 4 * MIB) await once(flooded, 'data');

    const closed = [closeOf(flooded), closeOf(idle)].map((each) => each.then(() => Date.now()));
    await ending.end(session, guest);
    const overAt = await endOf(session, how);
    for (const each of closed) expect((await each) - overAt).toBeLessThan(AT_ONCE_MS);
    expect(await why).toMatch(ending.told);
    await expect(socketTo(opened.localPort).then(readAll)).rejects.toThrow(/ECONN/);
    await ann.attach(session).until(/far end closed[\s\S]*far end closed/);
    await expect(bob.client.openStream('ports.connect', { forward: 1 })).rejects.toThrow();
    const { events } = await ann.client.request('journal.list', { session, kinds: ['forward'] });
    const [first, last] = events.map(({ actorName, payload }) => ({ actorName, ...payload }));
    expect(first).toMatchObject({ actorName: 'bob', is: 'opened' });
    expect(last).toMatchObject({ actorName: 'bob', is: 'closed', connections: 2 });
    bob.client.close();
  });

  test('gets no more of a file that is on its way, and hears why', async () => {
    const session = `down-${name}`;
    await ann.client.request('session.create', { name: session, command: ['cat'], cwd: work });
    writeFileSync(join(work, 'long'), Buffer.alloc(16 * MIB, 'x'));
    const { bob, guest } = await bobIn(session, ending);
    const file = reading(bob, { session, path: 'long' });
    await file.inTheMiddle;
    await ending.end(session, guest);
    await endOf(session, how);
    file.goOn();
    expect(await file.copied).toMatch(ending.told);
    expect(file.length).toBeLessThan(16 * MIB);
    bob.client.close();
  });

  test('leaves no file of an upload that was on its way, and hears why', async () => {
    const session = `up-${name}`;
    await ann.client.request('session.create', { name: session, command: ['cat'], cwd: work });
    const { bob, guest } = await bobIn(session, ending);
    const { promise: inTheMiddle, resolve } = Promise.withResolvers<void>();
    const { promise: over, resolve: goOn } = Promise.withResolvers<void>();
    const source = {
      size: 8 * MIB,
      read: async (from: number, max: number) => {
        if (from > 2 * MIB) {
          resolve();
          await over;
        }
        return Buffer.alloc(Math.min(max, 8 * MIB - from), 'y');
      },
    };
    const path = `sent-${name}`;
    const key = Buffer.from(name).toString('hex').padEnd(16, '0').slice(0, 16);
    const copied = upload({ client: bob.client, session, path, source, key, overwrite: false, newHash: nodeHash }).then(
      () => 'all of it',
      (error: Error) => error.message,
    );
    await inTheMiddle;
    await ending.end(session, guest);
    await endOf(session, how);
    goOn();
    expect(await copied).toMatch(ending.told);
    expect(existsSync(join(work, path))).toBe(false);
    bob.client.close();
  });
});

describe('observers read below one folder, and a file that is on its way to a guest', () => {
  let session = '';
  let folder = '';
  let count = 0;
  /** A session in a folder of its own that is open to observers, where they have `in/long`, and others `out/long` beside it. */
  beforeEach(async () => {
    session = `open-${++count}`;
    folder = join(work, session);
    for (const name of ['in', 'out']) {
      mkdirSync(join(folder, name), { recursive: true });
      writeFileSync(join(folder, name, 'long'), Buffer.alloc(16 * MIB, 'x'));
    }
    await ann.client.request('session.create', { name: session, cwd: join(folder, 'in') });
    await observersMayRead(join(folder, 'in'));
  });

  /** As an owner does it: from the session's folder on. */
  async function observersMayRead(where: string): Promise<void> {
    const watched = ann.attach(session);
    await watched.type(`cd '${where}'\n`);
    await ann.until(() => ann.sessions.some(({ name, cwd }) => name === session && cwd === where));
    await ann.client.request('files.allow', { session, observers: true });
  }

  async function bobAs(role: 'observer' | 'operator'): Promise<Person> {
    const who = await invited(ann, { session, name: 'bob', role });
    const bob = engine.person('bob', { connect: byCode(engine, who) });
    await bob.client.whenConnected();
    return bob;
  }

  const makeObserver = () => ann.client.request('role.set', { session, actor: 'bob', role: 'observer' });
  const cutOnRecord = async () => {
    const { events } = await ann.client.request('journal.list', { session, kinds: ['file'] });
    return events.some(({ actorName, payload }) => actorName === 'bob' && payload.is === 'read' && payload.cut === true);
  };

  test.each<[string, 'observer' | 'operator', string, () => Promise<unknown>]>([
    ['lies elsewhere, once they are an observer', 'operator', 'out', makeObserver],
    ['lies there no more, once an owner opens another folder', 'observer', 'in', () => observersMayRead(join(folder, 'out'))],
    [
      'lies there no more, once an owner opens none',
      'observer',
      'in',
      () => ann.client.request('files.allow', { session, observers: false }),
    ],
  ])('ends where it %s', async (_, role, where, end) => {
    const bob = await bobAs(role);
    const file = reading(bob, { session, path: join(folder, where, 'long') });
    await file.inTheMiddle;
    await end();
    // Also for a reader that takes nothing: not only with the next piece.
    await expect.poll(cutOnRecord, { timeout: 5_000 }).toBe(true);
    file.goOn();
    expect(await file.copied).toMatch(/is not for observers: they read what is below|bob is an observer of/);
    expect(file.length).toBeLessThan(16 * MIB);
    bob.client.close();
  });

  test('arrives where it lies in that folder, though they are an observer by now', async () => {
    const bob = await bobAs('operator');
    const file = reading(bob, { session, path: join(folder, 'in', 'long') });
    await file.inTheMiddle;
    await makeObserver();
    file.goOn();
    expect(await file.copied).toBe('all of it');
    expect(file.length).toBe(16 * MIB);
    bob.client.close();
  });
});
