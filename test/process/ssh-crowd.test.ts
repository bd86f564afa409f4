/** Whoever has an invited key gets in with plain ssh through a crowd at the same address, and the journal has the crowd. */
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Engine, openEngine, type Person } from './engine.ts';
import { type GuestKey, newGuestKey, openGuest, type Place } from './ssh-guest.ts';

/** More than have a place. */
const CROWD = 600;

let engine: Engine;
let ann: Person;
let ben: GuestKey;
let place: Place;
let isOver: boolean;
const sockets = new Set<Socket>();

beforeEach(async () => {
  isOver = false;
  engine = openEngine();
  await engine.startHost();
  ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'demo', cwd: engine.home });
  ben = newGuestKey(engine.home, 'ben');
  await ann.client.request('share.create', { session: 'demo', name: 'ben', role: 'operator', key: ben.publicLine, ssh: true });
  place = await ann.client.request('share.ssh', { session: 'demo' });
});
afterEach(async () => {
  isOver = true;
  for (const socket of sockets) socket.destroy();
  await engine.dispose();
});

/** A stranger from this machine, as all others are and the guest too; `closed` when it is let go of. */
function stranger({ says, closed = () => {} }: { says?: string; closed?: () => void }): void {
  const socket = connect(place.port, place.address);
  sockets.add(socket);
  socket.on('error', () => {}); // the close follows
  socket.on('connect', () => says && socket.write(says));
  socket.on('close', () => {
    sockets.delete(socket);
    closed();
  });
  socket.resume();
}

/** Of the journal, added up. */
async function refused(): Promise<{ unheard: number; unproved: number }> {
  const { events } = await ann.client.request('journal.list', { session: 'demo', kinds: ['share'], limit: 500 });
  const sums = { unheard: 0, unproved: 0 };
  for (const { payload } of events.filter(({ payload }) => payload.is === 'ssh-refused')) {
    sums.unheard += Number(payload.unheard);
    sums.unproved += Number(payload.unproved);
  }
  return sums;
}

async function comesIn(): Promise<void> {
  const guest = openGuest(engine.home, { place, user: 'demo', key: ben });
  await guest.until('ben, operator of demo');
  guest.type('echo made-by-$((40+2))\r');
  await guest.until('made-by-42');
  guest.dispose();
}

test.each([
  ['say nothing', undefined],
  ['say that they speak SSH, and nothing more', 'SSH-2.0-stranger\r\n'],
])('six hundred who %s keep no guest out', { timeout: 30_000 }, async (_, says) => {
  let gone = 0;
  for (let n = 0; n < CROWD; n++) stranger({ closed: () => gone++, ...(says ? { says } : {}) });
  await expect.poll(() => gone, { timeout: 10_000 }).toBe(CROWD - 512);
  await comesIn();
  await expect.poll(refused, { timeout: 15_000 }).toMatchObject({ unheard: expect.toSatisfy((count) => Number(count) >= CROWD - 512 + 1) });
});

test('those who fail again and again keep no guest out', { timeout: 40_000 }, async () => {
  let failures = 0;
  const closed = () => {
    failures++;
    setImmediate(again);
  };
  const again = (): void => {
    if (!isOver) stranger({ says: 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', closed });
  };
  for (let n = 0; n < 12; n++) again();
  await expect.poll(() => failures, { timeout: 20_000 }).toBeGreaterThan(60);
  await comesIn();
  const soFar = failures;
  await expect.poll(() => failures, { timeout: 10_000 }).toBeGreaterThan(soFar + 20);
  await comesIn();
  await expect.poll(async () => (await refused()).unproved, { timeout: 15_000 }).toBeGreaterThan(60);
});
