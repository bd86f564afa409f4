/** What a keeper tells in one frame fits one, however much there is of it: else no host could adopt its session any more. */
import { expect } from 'vitest';
import { MAX_KEEPER_FRAME_BYTES } from '../../main/keeper/wire.ts';
import { MAX_META_BYTES, MAX_NOTE_BYTES } from '../../main/keeper/wire-messages.ts';
import type { KeeperPeer } from './keeper-peer.ts';
import { describeKeepers, type KeeperWorld, type Kept } from './keeper-world.ts';

/** The longest name that there can be, each byte of which is six as JSON. */
const longName = (kind: string, n: number) => `${kind}${n}`.padStart(255, '\x01');
/** More than a terminal holds that nobody reads. */
const PASTE = 'x'.repeat(100_000);
/** As much as a host may have a keeper remember; the rest of it is the name and what is around the text. */
const META = { text: 'm'.repeat(MAX_META_BYTES - 100) };
const NOTE = Buffer.alloc(MAX_NOTE_BYTES, 'n');

/** A session whose program reads nothing, with as much to tell as there can be beside the ledger. */
async function deaf(world: KeeperWorld): Promise<{ kept: Kept; host: KeeperPeer }> {
  const kept = await world.script('stty raw -echo; echo up; exec sleep 1000', { meta: META });
  const host = await world.host(kept);
  await host.says('up');
  host.send({ kind: 'note', bytes: NOTE });
  host.write('paste', 1, PASTE);
  return { kept, host };
}

/** What the next host hears. */
async function told(world: KeeperWorld, kept: Kept) {
  const { hello } = await world.host(kept, 1e15);
  expect(Buffer.byteLength(JSON.stringify(hello))).toBeLessThan(MAX_KEEPER_FRAME_BYTES);
  expect(hello.meta).toEqual(META);
  expect(Buffer.from(hello.note, 'base64').equals(NOTE)).toBe(true);
  return new Map(hello.ledger as [string, (typeof hello.ledger)[number][1]][]);
}

describeKeepers((keeps) => {
  keeps('forgets who was silent longest, never who has units under way, that all it has to tell fits', async (world, expect) => {
    const { kept, host } = await deaf(world);
    for (let n = 0; n < 10; n++) host.write(longName('waits', n), 1, 'x');
    const SILENT = 600;
    for (let n = 0; n < SILENT; n++) {
      for (const seq of [1, 2, 3]) {
        host.write(longName('silent', n), seq, 'x');
        host.drop(longName('silent', n));
      }
    }
    await host.next('dropped', SILENT * 3 - 1);
    const ledger = await told(world, kept);
    expect(ledger.get('paste')).toEqual({ accepted: 1, applied: 0 });
    for (let n = 0; n < 10; n++) expect(ledger.get(longName('waits', n))).toEqual({ accepted: 1, applied: 0 });
    const silent = [...ledger.keys()].filter((name) => name.includes('silent'));
    expect(silent.length).toBeGreaterThan(300);
    expect(silent).toEqual(Array.from({ length: silent.length }, (_, n) => longName('silent', SILENT - silent.length + n)));
    for (const name of silent)
      expect(ledger.get(name)).toMatchObject({ accepted: 3, applied: 0, dropped: expect.arrayContaining([[3, 3, 0]]) });
  });

  keeps('remembers of clients that type again and again what was taken back last', async (world, expect) => {
    const { kept, host } = await deaf(world);
    const [CLIENTS, TIMES] = [400, 70];
    for (let seq = 1; seq <= TIMES; seq++) {
      for (let n = 0; n < CLIENTS; n++) host.write(longName('again', n), seq, 'x');
      host.drop(...Array.from({ length: CLIENTS }, (_, n) => longName('again', n)));
      await host.next('dropped', seq - 1);
    }
    for (let n = 0; n < CLIENTS; n++) host.write(longName('again', n), TIMES + 1, 'x');
    host.drop('nobody');
    await host.next('dropped', TIMES);
    const ledger = await told(world, kept);
    for (let n = 0; n < CLIENTS; n++) {
      const { accepted, dropped } = ledger.get(longName('again', n)) ?? {};
      expect([accepted, dropped?.at(-1)]).toEqual([TIMES + 1, [TIMES, TIMES, 0]]);
    }
  });

  keeps('takes no unit of a client more than it can remember, says so, and takes it once there is room', async (world, expect) => {
    const { kept, host } = await deaf(world);
    const MANY = 600;
    for (let n = 0; n < MANY; n++) host.write(longName('many', n), 1, 'x');
    host.drop('nobody');
    await host.next('dropped');
    const refused = host.heard.flatMap((message) => (message.kind === 'refused' ? [message] : []));
    expect(refused.length).toBeGreaterThan(100);
    const taken = MANY - refused.length;
    expect(refused.map(({ client, seq }) => [client, seq])).toEqual(
      Array.from({ length: MANY - taken }, (_, n) => [longName('many', taken + n), 1]),
    );
    const ledger = await told(world, kept);
    expect([...ledger.keys()]).toEqual(['paste', ...Array.from({ length: taken }, (_, n) => longName('many', n))]);
    const next = await world.host(kept, 1e15);
    next.drop();
    expect((await next.next('dropped')).units).toHaveLength(taken + 1);
    next.write(longName('many', MANY - 1), 1, 'x');
    next.drop();
    expect((await next.next('dropped', 1)).units).toEqual([[longName('many', MANY - 1), 1, 1, 0]]);
  });

  keeps('tells of many who went away while their input waited as much as fits', async (world, expect) => {
    const { host } = await deaf(world);
    const GONE = 800;
    for (let n = 0; n < GONE; n++) {
      host.write(longName('gone', n), 1, 'x');
      host.send({ kind: 'forget', client: longName('gone', n) as never });
    }
    host.write('here', 1, 'x');
    host.drop();
    const { units } = await host.next('dropped');
    expect(units.length).toBeGreaterThan(100);
    expect(units.at(-1)).toEqual(['here', 1, 1, 0]);
  });

  keeps('starts nothing that no host could be told of', async (world, expect) => {
    const { said } = await world.script('exec sleep 1000', { meta: { text: 'm'.repeat(MAX_META_BYTES) } });
    expect(said).toMatch(/^error: its name and what it is to tell later hosts take 1966\d\d bytes, and it can tell 196608\n$/);
  });
});
